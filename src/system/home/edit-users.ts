/** Changes who is in a home folder: users/passwd, control/recipients and the Maildirs, one step at a time. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { clearFile, withClearPassword } from "../../control/clear-passwords.ts";
import { listOf } from "../../control/control.ts";
import { newScramKey, scramKeyFile } from "../../control/scram-verifiers.ts";
import { parseVerifier } from "../../control/stored-password.ts";
import { parseUsers, type User, usersFile, withoutUser, withUser } from "../../control/users.ts";
import type { Secret } from "../../protocol/checkpassword/secret.ts";
import { chooseIds, type Machine, thisMachine } from "./accounts.ts";
import { changeFile, makeFile, type Owner } from "./atomic.ts";
import { makeMailbox } from "./make.ts";

/** The change cannot be made; nothing was. */
export class UsersProblem extends Error {
  override readonly name = "UsersProblem";
}

export interface Listed {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Absolute. */
  readonly mail: string;
  readonly canLogIn: boolean;
  /** By SCRAM as well: the password was set since there are verifiers. */
  readonly scram: boolean;
}

/** Everybody in users/passwd, the service accounts included. */
export function listUsers(home: string): Listed[] {
  return [...parseUsers(readPasswd(home)).values()].map((user) => ({
    name: user.name,
    uid: user.uid,
    gid: user.gid,
    mail: mailOf(home, user.name),
    canLogIn: user.hash !== "*",
    scram: parseVerifier(user.hash) !== undefined,
  }));
}

/**
 * Adds a user. The mailbox comes first and the login last, so that nobody is let in to what is not there.
 * `owner`: the user's numbers; chosen when undefined. Throws UsersProblem, Busy and the system's errors.
 */
export function addUser(
  home: string,
  name: string,
  hash: string,
  owner: Owner | undefined,
  machine: Machine = thisMachine,
): void {
  if (!/^[a-z][a-z0-9._-]{0,31}$/.test(name) || name.includes("..")) {
    throw new UsersProblem(
      `"${name}" cannot be a user: small letters, digits, dots, "-" and "_", a letter first, at most 32`,
    );
  }
  if (machine.self.uid !== 0 && owner !== undefined && owner.uid !== machine.self.uid) {
    throw new UsersProblem("without root, every user has our own numbers: leave out --uid and --gid");
  }
  changePasswd(home, (text) => {
    const users = parseUsers(text);
    if (users.has(name)) throw new UsersProblem(`there is a user ${name} already`);
    const used = new Set([...users.values()].map(({ uid }) => uid));
    const numbers = owner ?? chooseIds([name], new Set([name]), home, used, machine).get(name)!;
    makeMailbox(home, name, numbers);
    changeRecipients(home, (lines) => (lines.some(sameName(name)) ? lines : [...lines, name]));
    const user: User = { name, hash, ...numbers, gecos: "", home: `mail/${name}`, shell: "/bin/sh" };
    return withUser(text, user);
  });
}

/** Gives a user another password. Throws UsersProblem, Busy and the system's errors. */
export function setHash(home: string, name: string, hash: string): void {
  changePasswd(home, (text) => withUser(text, { ...known(text, name), hash }));
}

/**
 * Removes a user, who can log in no more and gets no more mail. Returns the folder of the mail, which stays.
 * Throws UsersProblem, Busy and the system's errors.
 */
export function removeUser(home: string, name: string): string {
  setClearPassword(home, name, undefined);
  changePasswd(home, (text) => {
    if (known(text, name).hash === "*") throw new UsersProblem(`${name} is a part of the service`);
    changeRecipients(home, (lines) => {
      const alias = lines.find((line) => line.endsWith(`:${name}`));
      if (alias === undefined) return lines.filter((line) => !sameName(name)(line));
      throw new UsersProblem(`control/recipients has "${alias}": say first who is to get that mail`);
    });
    return withoutUser(text, name);
  });
  return mailOf(home, name);
}

function known(text: string, name: string): User {
  const user = parseUsers(text).get(name);
  if (user === undefined) throw new UsersProblem(`there is no user ${name}`);
  return user;
}

const mailOf = (home: string, name: string) => join(home, "mail", name, "Maildir");
const sameName = (name: string) => (line: string) => line.split(":", 1)[0] === name;
/**
 * Stores the password of `name` as it is, for CRAM-MD5 and APOP; undefined: no longer, if it was. Throws Busy and the
 * system's errors.
 */
export function setClearPassword(home: string, name: string, secret: Secret | undefined): void {
  const path = join(home, clearFile);
  if (secret === undefined && !existsSync(path)) return;
  changeFile(path, { mode: 0o600 }, () => {
    const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    return withClearPassword(bytes, name, secret);
  });
}

/** The text of control/authmechanisms; undefined when there is none. */
export function readAuthMechanisms(home: string): string | undefined {
  const path = join(home, "control", "authmechanisms");
  return existsSync(path) ? readFileSync(path, "latin1") : undefined;
}

const readPasswd = (home: string) => readFileSync(join(home, usersFile), "latin1");

/** One change at a time: what `change` is given cannot become stale while it works. */
function changePasswd(home: string, change: (text: string) => string): void {
  // Homes from before there were verifiers have none.
  makeFile(join(home, scramKeyFile), newScramKey(), { mode: 0o600 });
  changeFile(join(home, usersFile), { mode: 0o600 }, () => change(readPasswd(home)));
}

/** Comments and empty lines stay where they are; only then is the file as the postmaster left it. */
function changeRecipients(home: string, change: (lines: string[]) => string[]): void {
  const path = join(home, "control", "recipients");
  if (!existsSync(path)) return; // everybody gets mail
  const text = readFileSync(path, "latin1");
  const all = text.replace(/\n$/, "").split("\n");
  const entries = [...listOf(text)];
  const next = change(entries);
  const gone = new Set(entries.filter((entry) => !next.includes(entry)));
  const added = next.filter((entry) => !entries.includes(entry));
  const lines = [...all.filter((line) => !gone.has(line.trimEnd())), ...added];
  if (gone.size + added.length > 0) {
    changeFile(path, { mode: 0o644 }, () => lines.map((line) => line + "\n").join(""));
  }
}
