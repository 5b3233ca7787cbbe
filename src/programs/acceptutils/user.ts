import { join } from "node:path";
import { clearFile } from "../../control/clear-passwords.ts";
import { newField } from "../../control/new-password.ts";
import { usersFile } from "../../control/users.ts";
import { Secret } from "../../protocol/checkpassword/secret.ts";
import { Busy } from "../../system/home/atomic.ts";
import {
  addUser,
  listUsers,
  readAuthMechanisms,
  removeUser,
  setClearPassword,
  setHash,
  UsersProblem,
} from "../../system/home/edit-users.ts";
import { newPassword } from "../../system/home/passwords.ts";
import { askPassword } from "./ask-password.ts";
import { existingHome } from "./default-home.ts";
import { type Command, exit, Misused, numberOf, onlyWord, Problem, parse, type Verb } from "./verb.ts";

/** Who can log in and gets mail: users/passwd, control/recipients and the Maildirs, kept in step. */
export const user: Verb = {
  synopsis:
    "add NAME [--uid N --gid N] | del NAME | list | passwd NAME  [--home DIR] [--generate] [--clear] [--json]",
  does: "Adds, removes or lists users, or sets a password: typed, from standard input, or made up and shown once.",
  run,
};

const options = {
  home: { type: "string" },
  uid: { type: "string" },
  gid: { type: "string" },
  generate: { type: "boolean" },
  clear: { type: "boolean" },
  json: { type: "boolean" },
} as const;

interface Words {
  readonly name: () => string;
  readonly home: string;
  readonly uid?: string | undefined;
  readonly gid?: string | undefined;
  readonly generate?: boolean | undefined;
  readonly clear?: boolean | undefined;
  readonly json?: boolean | undefined;
}

const deeds: ReadonlyMap<string, (words: Words, command: Command) => Promise<void>> = new Map([
  ["add", add],
  ["del", del],
  ["list", list],
  ["passwd", passwd],
]);

async function run(words: readonly string[], command: Command): Promise<number> {
  const { values, positionals } = parse({ args: [...words], allowPositionals: true, options });
  const [deed = "", ...rest] = positionals;
  const act = deeds.get(deed);
  if (act === undefined) throw new Misused(deed === "" ? "add, del, list or passwd?" : `user ${deed}?`);
  if (deed === "list" && rest[0] !== undefined) throw new Misused(`"${rest[0]}" is one word too many`);
  const { home: typed, ...flags } = values;
  try {
    await act({ ...flags, home: existingHome(typed, command), name: () => onlyWord(rest, "NAME") }, command);
  } catch (error) {
    if (error instanceof UsersProblem || error instanceof Busy) throw new Problem(error.message);
    throw error;
  }
  return exit.fine;
}

async function add({ name, home, uid, gid, generate, clear, json }: Words, command: Command): Promise<void> {
  if ((uid === undefined) !== (gid === undefined)) throw new Misused("--uid and --gid go together");
  const owner =
    uid === undefined || gid === undefined
      ? undefined
      : { uid: numberOf("uid", uid, 1, 2 ** 31), gid: numberOf("gid", gid, 1, 2 ** 31) };
  using chosen = await choosePassword(name(), home, generate, command);
  addUser(home, name(), chosen.hash, owner);
  await keepClear(home, name(), clear ? chosen.secret : undefined, command);
  await report(name(), chosen.shown, "was added", json, command);
}

async function passwd({ name, home, generate, clear, json }: Words, command: Command): Promise<void> {
  if (!listUsers(home).some((one) => one.name === name() && one.canLogIn)) {
    throw new Problem(`there is no user ${name()} in ${join(home, usersFile)}`);
  }
  using chosen = await choosePassword(name(), home, generate, command);
  // The one from before must not be good for CRAM-MD5 any more, whatever happens.
  setClearPassword(home, name(), undefined);
  setHash(home, name(), chosen.hash);
  await keepClear(home, name(), clear ? chosen.secret : undefined, command);
  await report(name(), chosen.shown, "has a new password", json, command);
}

async function del({ name, home, json }: Words, command: Command): Promise<void> {
  const mail = removeUser(home, name());
  if (json) await command.json({ name: name(), mail });
  else await command.say(`${name()} was removed; the mail is still in ${mail}`);
}

async function list({ home, json }: Words, command: Command): Promise<void> {
  const users = listUsers(home).filter(({ canLogIn }) => canLogIn);
  if (json) {
    await command.json(users.map(({ name, uid, gid, mail, scram }) => ({ name, uid, gid, mail, scram })));
    return;
  }
  for (const { name, uid, gid, mail, scram } of users) {
    const note = scram ? "" : "  (no SCRAM before the password is set anew)";
    await command.say(`${name.padEnd(16)} ${uid}:${gid}  ${mail}${note}`);
  }
}

async function keepClear(
  home: string,
  name: string,
  secret: Secret | undefined,
  command: Command,
): Promise<void> {
  if (secret === undefined) return;
  setClearPassword(home, name, secret);
  command.system.log(
    `acceptutils: ${join(home, clearFile)} now has the password of ${name} as it is; who reads it can log in`,
  );
}

interface Chosen extends Disposable {
  readonly hash: string;
  /** Wiped in the end. */
  readonly secret: Secret;
  /** The password, when nobody but us knows it. */
  readonly shown: string | undefined;
}

async function choosePassword(
  name: string,
  home: string,
  generate: boolean | undefined,
  command: Command,
): Promise<Chosen> {
  const typed = generate ? undefined : await askPassword(`password for ${name}`, command);
  const shown = typed === undefined ? newPassword() : undefined;
  const secret = typed ?? new Secret(Buffer.from(shown ?? ""));
  const hash = await newField(secret, readAuthMechanisms(home));
  return { hash, secret, shown, [Symbol.dispose]: () => secret.wipe() };
}

async function report(
  name: string,
  password: string | undefined,
  done: string,
  json: boolean | undefined,
  command: Command,
): Promise<void> {
  if (json) await command.json({ name, password });
  else
    await command.say(password === undefined ? `${name} ${done}` : `${name} ${done}; password ${password}`);
}
