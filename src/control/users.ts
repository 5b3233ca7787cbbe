/**
 * users/passwd: who may log in, with which password, and what he becomes. One line each, as in passwd(5):
 *
 *     alice:$argon2id$v=19$m=32768,t=2,p=1$…$…:1000:1000:Alice:mail/alice:/bin/sh
 *     qmaild:*:64011:64010:::
 *
 * A hash of `*` is an account that nobody can log in to. A home that is no absolute path is meant from our own
 * home folder on, so that the folder can be moved.
 */
import { resolve } from "node:path";
import type { Secret } from "../protocol/checkpassword/secret.ts";
import { type Account, CannotOpen, type System } from "../system/system.ts";
import { currentCost, matches, type PasswordHash, parseHash, unmatchable } from "./password-hash.ts";
import { preparedName, preparedSecret } from "./prepare.ts";

/** One line of users/passwd. All text is latin1. */
export interface User {
  readonly name: string;
  /** A PHC string, or `*`. */
  readonly hash: string;
  readonly uid: number;
  readonly gid: number;
  readonly gecos: string;
  readonly home: string;
  readonly shell: string;
}

/** The parts of a System that looking up a user needs. */
export type UsersReader = Pick<System, "readFile" | "home">;

/** Where users are kept, from our home folder on. Mode 600. */
export const usersFile = "users/passwd";

/** A line taken apart; undefined when it is no user. */
export function parseUser(line: string): User | undefined {
  const fields = line.split(":");
  const [name = "", hash = "", uid = "", gid = "", gecos = "", home = "", shell = ""] = fields;
  if (fields.length !== 7 || !isUserName(name) || !/^\d{1,10}$/.test(uid) || !/^\d{1,10}$/.test(gid)) {
    return undefined;
  }
  return { name, hash, uid: Number(uid), gid: Number(gid), gecos, home, shell };
}

/** A name that can stand in the file: no blank, control character or colon, and no `#` in front. */
export function isUserName(name: string): boolean {
  return /^(?!#)[^\x00-\x20\x7f:]{1,255}$/.test(name);
}

/** The line for `user`, without LF. Throws RangeError when a field would break it. */
export function formatUser({ name, hash, uid, gid, gecos, home, shell }: User): string {
  const line = [name, hash, uid, gid, gecos, home, shell].join(":");
  const bad = /[\x00-\x1f\x7f]/.test(line) || parseUser(line) === undefined;
  if (bad) throw new RangeError(`user ${JSON.stringify(name)}: a field has a colon or control character`);
  return line;
}

/** All users of the file, the first line of a name counts; lines that are none are passed over. */
export function parseUsers(text: string): ReadonlyMap<string, User> {
  const users = new Map<string, User>();
  for (const line of text.split("\n")) {
    const user = parseUser(line);
    if (user !== undefined && !users.has(user.name)) users.set(user.name, user);
  }
  return users;
}

/** The file's text with `user` in the place of the line of that name, else at the end. Other lines stay as they are. */
export function withUser(text: string, user: User): string {
  const lines = linesOf(text);
  const at = lines.findIndex((line) => parseUser(line)?.name === user.name);
  lines.splice(at < 0 ? lines.length : at, at < 0 ? 0 : 1, formatUser(user));
  return lines.join("\n") + "\n";
}

/** The file's text without the lines of that name. */
export function withoutUser(text: string, name: string): string {
  return linesOf(text)
    .filter((line) => parseUser(line)?.name !== name)
    .map((line) => line + "\n")
    .join("");
}

const linesOf = (text: string) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

/** All users, from the file. Throws CannotOpen, also when there is no such file. */
export async function readUsers(reader: UsersReader): Promise<ReadonlyMap<string, User>> {
  return (await readTable(reader)).users;
}

/** Says whether `secret` is what `hash` was made of. `matches`, or something that knows a shorter way. */
export type CheckHash = (hash: PasswordHash, secret: Secret) => Promise<boolean>;

/**
 * Answers whether `secret` is the password of `user` (latin1), and what the session then becomes; undefined when
 * it is not. An unknown user, a locked one, a broken hash and uid 0 all cost the time of a wrong password.
 * Leaves wiping the secret to the caller. Throws CannotOpen.
 */
export async function verify(
  reader: UsersReader,
  user: string,
  secret: Secret,
  check: CheckHash = matches,
): Promise<Account | undefined> {
  const { users, dummy } = await readTable(reader);
  const known = loginOf(users, await preparedName(user));
  const hash = known && hashOf(known);
  const prepared = await preparedSecret(secret);
  const right = await check(hash ?? dummy, prepared);
  if (prepared !== secret) prepared.wipe();
  if (!right || hash === undefined || known === undefined || secret.length === 0) return undefined;
  return accountOf(reader, known);
}

const hashes = new WeakMap<User, PasswordHash | undefined>();

/** The hash of `user`, taken apart once: who is known must not take longer than who is not. */
function hashOf(user: User): PasswordHash | undefined {
  if (!hashes.has(user)) hashes.set(user, parseHash(user.hash));
  return hashes.get(user);
}

/** Who `name` (latin1) is, when anybody can log in as that; undefined for root, a locked account and nobody. */
export function loginOf(users: ReadonlyMap<string, User>, name: string): User | undefined {
  const user = users.get(name);
  return user === undefined || isRoot(user) || hashOf(user) === undefined ? undefined : user;
}

/** What a session of `user` becomes. Made once: who is known must not take longer than who is not. */
export function accountOf(reader: Pick<UsersReader, "home">, user: User): Account {
  const folder = reader.home();
  let made = accounts.get(user);
  if (made?.folder !== folder) {
    const { name, uid, gid, home, shell } = user;
    const account = {
      user: textOf(name),
      uid,
      gid,
      home: resolve(folder, textOf(home)),
      shell: textOf(shell),
    };
    made = { folder, account };
    accounts.set(user, made);
  }
  return made.account;
}

const accounts = new WeakMap<User, { readonly folder: string; readonly account: Account }>();

/** Group 0 is root's, but where we have nothing else: containers run others in it, who then stay what they are. */
function isRoot({ uid, gid }: User): boolean {
  return uid === 0 || (gid === 0 && (process.geteuid!() === 0 || process.getegid!() !== 0));
}

/** What becomes a variable or a path is text, of the same octets in UTF-8. */
const textOf = (latin1: string) => Buffer.from(latin1, "latin1").toString("utf8");

interface Table {
  readonly users: ReadonlyMap<string, User>;
  /** As dear as the dearest hash of the file: time must not tell who is in it. */
  readonly dummy: PasswordHash;
}

/** An unchanged file is the same object, and is taken apart once. */
const tables = new WeakMap<Uint8Array, Table>();

async function readTable(reader: UsersReader): Promise<Table> {
  const path = resolve(reader.home(), usersFile);
  const bytes = await reader.readFile(path);
  if (bytes === undefined) throw new CannotOpen(path, "ENOENT");
  let table = tables.get(bytes);
  if (table === undefined) {
    const users = parseUsers(Buffer.from(bytes).toString("latin1"));
    table = { users, dummy: unmatchable(dearestOf(users)) };
    tables.set(bytes, table);
  }
  return table;
}

function dearestOf(users: ReadonlyMap<string, User>): Pick<PasswordHash, keyof typeof currentCost> {
  const hashes = [...users.values()].map(({ hash }) => parseHash(hash)).filter((hash) => hash !== undefined);
  const price = (hash: Pick<PasswordHash, keyof typeof currentCost>) => hash.memoryKibibytes * hash.passes;
  return hashes.reduce<Pick<PasswordHash, keyof typeof currentCost>>(
    (dearest, hash) => (price(hash) > price(dearest) ? hash : dearest),
    hashes[0] ?? currentCost,
  );
}
