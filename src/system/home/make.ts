/**
 * Makes a home folder: everything the service needs, in one place that can be copied.
 * What is there is never changed, so that making it again completes it; the marker comes last.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { newField } from "../../control/new-password.ts";
import { newScramKey, scramKeyFile } from "../../control/scram-verifiers.ts";
import { formatUser, parseUsers, usersFile } from "../../control/users.ts";
import { programNames } from "../../programs/table.ts";
import { Secret } from "../../protocol/checkpassword/secret.ts";
import { type Installation, writeLaunchers } from "../launchers.ts";
import { makeFolders } from "../make-folders.ts";
import {
  accountsText,
  chooseIds,
  idScript,
  type Machine,
  parseAccounts,
  serviceAccounts,
  thisMachine,
} from "./accounts.ts";
import { makeFile, makeFolder, type Owner, replaceFile } from "./atomic.ts";
import { selfSigned } from "./certificate.ts";
import { controlFiles, recipients } from "./control-files.ts";
import { newPassword } from "./passwords.ts";
import { homeCertificate, type Listener, listening, queueScript } from "./run-scripts.ts";

/** What a new home is to be. */
export interface Wanted {
  /** Absolute. */
  readonly home: string;
  /** The name it greets with; its users are @ this name. */
  readonly host: string;
  /** The address it listens on. */
  readonly bind: string;
  readonly portBase: number;
  readonly installation: Installation;
  readonly machine?: Machine;
}

/** What came of it. */
export interface Made {
  /** Whether anything but launchers was made. */
  readonly made: boolean;
  /** New users with their passwords: to be shown now, they are kept nowhere. */
  readonly users: readonly { readonly name: string; readonly password: string }[];
}

/** The folder cannot become a home, or the programs do not do their part. The message says what to do. */
export class CannotMake extends Error {
  override readonly name = "CannotMake";
}

const marker = ".acceptutils";
const parts = ["bin", "control", "log", "mail", "queue", "service", "users"];
const firstUsers = ["alice", "bob"];

/** True when `home` was made to its end. */
export const isHome = (home: string) => existsSync(join(home, marker));

/**
 * Makes the home, or what is missing of it. Throws CannotMake, or the system's error with the path.
 * As root, its accounts get numbers of their own; see accounts.ts.
 */
export async function makeHome(wanted: Wanted): Promise<Made> {
  const { home, host, installation, machine = thisMachine } = wanted;
  refuseForeign(home);
  makeFolders(home);
  if (readdirSync(home).length === 0) chmodSync(home, 0o755);
  const accounts = accountsOf(home, machine);
  const open = { mode: 0o755 };
  const plain = { mode: 0o644 };
  let made = false;
  const note = (wasMade: boolean) => {
    made ||= wasMade;
  };

  for (const part of ["bin", "control", "mail", "service", "users"]) note(makeFolder(join(home, part), open));
  note(makeQueue(home, accounts.get("qmailq")));
  writePrograms(home, installation);

  for (const [name, text] of controlFiles({ host })) note(makeFile(join(home, "control", name), text, plain));
  const capabilities = join(home, "control", "smtpcapabilities");
  if (!existsSync(capabilities)) note(makeFile(capabilities, askForCapabilities(home), plain));
  const certificate = join(home, "control", "servercert.pem");
  if (!existsSync(certificate)) {
    const names = [...new Set([host, "localhost", "127.0.0.1", "::1"])];
    note(makeFile(certificate, selfSigned({ names, now: new Date() }), { mode: 0o600 }));
  }

  for (const [name, { portOffset, script }] of listening) {
    const listener: Listener = { host: wanted.bind, port: wanted.portBase + portOffset };
    const text = script({ ...listener, certificate: homeCertificate });
    note(makeService(home, name, text, filtersOf(name)));
  }
  note(makeService(home, "queue", queueScript, undefined));

  note(makeFile(join(home, "users", "accounts"), accountsText(accounts), plain));
  note(makeFile(join(home, scramKeyFile), newScramKey(), { mode: 0o600 }));
  const passwd = join(home, usersFile);
  const users = existsSync(passwd) ? [] : await makeUsers(home, accounts, machine);
  for (const { name, uid, gid, home: own } of parseUsers(readFileSync(passwd, "latin1")).values())
    if (own === `mail/${name}`) note(makeMailbox(home, name, { uid, gid }));
  note(makeFile(join(home, marker), "This is a home folder of acceptutils. See acceptutils(8).\n", plain));
  return { made: made || users.length > 0, users };
}

/** Brings bin/ up to date: launchers name absolute paths, and the software may have moved. Returns files that are not ours. */
export function writePrograms(home: string, installation: Installation): string[] {
  const bin = join(home, "bin");
  const foreign = writeLaunchers(bin, programNames, installation);
  const id = join(bin, "id");
  const there = existsSync(id) ? readFileSync(id, "latin1") : undefined;
  if (there === undefined || (there !== idScript && there.split("\n")[1] === idScript.split("\n")[1])) {
    replaceFile(id, idScript, { mode: 0o755 });
  }
  return foreign;
}

/** What waits for delivery is in it. Returns whether it was made. */
export function makeQueue(home: string, owner: Owner | undefined): boolean {
  // Whoever hands a message over must reach the socket; nobody but the queue needs to see the rest.
  return makeFolder(join(home, "queue"), { mode: 0o711, owner });
}

/** Where mail for `name` is put, and the user's home. Returns whether it was made. */
export function makeMailbox(home: string, name: string, owner: Owner): boolean {
  const own = join(home, "mail", name);
  const folders = [own, ...["", "cur", "new", "tmp"].map((part) => join(own, "Maildir", part))];
  return folders.map((folder) => makeFolder(folder, { mode: 0o700, owner })).includes(true);
}

/** Anything but a new folder, an empty one, or one of ours is somebody's: it stays as it is. */
function refuseForeign(home: string): void {
  if (!existsSync(home)) return;
  const foreign = readdirSync(home).find((name) => name !== marker && !parts.includes(name));
  if (foreign !== undefined && !isHome(home)) {
    throw new CannotMake(
      `${home} has "${foreign}" in it and is no home folder of ours: name a new or empty folder`,
    );
  }
}

/** The numbers of users/accounts, or those that it would get. */
export function accountsOf(home: string, machine: Machine = thisMachine): ReadonlyMap<string, Owner> {
  const file = join(home, "users", "accounts");
  const names = [...serviceAccounts.keys()];
  const there = existsSync(file) ? parseAccounts(readFileSync(file, "latin1")) : undefined;
  if (there !== undefined && names.every((name) => there.has(name))) return there;
  return chooseIds(names, new Set(), home, new Set(), machine);
}

/** Without these two, a submission carries no word of the TLS it came by. qmail-qfilter-queue(8) */
function filtersOf(service: string): ReadonlyMap<string, string> | undefined {
  if (service.startsWith("pop3")) return undefined;
  return new Map([
    ["QMAILQUEUE", "bin/qmail-qfilter-queue"],
    ["QMAILQUEUEFILTERS", service === "smtp" ? "control/smtpfilters" : "control/ofmipfilters"],
  ]);
}

function makeService(
  home: string,
  name: string,
  script: string,
  env: ReadonlyMap<string, string> | undefined,
): boolean {
  const folder = join(home, "service", name);
  if (existsSync(join(folder, "run"))) return false; // and so env/ is as its owner wants it
  makeFolder(folder, { mode: 0o755 });
  if (env !== undefined) {
    makeFolder(join(folder, "env"), { mode: 0o755 });
    for (const [variable, value] of env)
      makeFile(join(folder, "env", variable), value + "\n", { mode: 0o644 });
  }
  return makeFile(join(folder, "run"), script, { mode: 0o755 });
}

async function makeUsers(
  home: string,
  accounts: ReadonlyMap<string, Owner>,
  machine: Machine,
): Promise<Made["users"]> {
  const used = new Set([...accounts.values()].map(({ uid }) => uid));
  const owners = chooseIds(firstUsers, new Set(firstUsers), home, used, machine);
  const lines: string[] = [];
  const users = firstUsers.map((name) => ({ name, password: newPassword() }));
  for (const { name, password } of users) {
    const owner = owners.get(name)!;
    makeMailbox(home, name, owner);
    using secret = new Secret(Buffer.from(password));
    const hash = await newField(secret, undefined);
    lines.push(formatUser({ name, hash, ...owner, gecos: "", home: `mail/${name}`, shell: "/bin/sh" }));
  }
  for (const [name, owner] of accounts) {
    const gecos = serviceAccounts.get(name) ?? "";
    lines.push(formatUser({ name, hash: "*", ...owner, gecos, home: "", shell: "" }));
  }
  makeFile(join(home, "control", "recipients"), recipients(firstUsers), { mode: 0o644 });
  makeFile(join(home, usersFile), lines.map((line) => line + "\n").join(""), { mode: 0o600 });
  return users;
}

/** control/smtpcapabilities as the page "How to switch" makes it: by asking ofmipd itself. */
function askForCapabilities(home: string): string {
  const pipeline =
    "echo EHLO | ofmipd | sed -e '1,2d' -e 's|^....||' | tr -d '\\r' | grep -Ev '^(STARTTLS|AUTH)'";
  const { PATH = "/usr/bin:/bin", ...env } = process.env;
  const asked = spawnSync("sh", ["-c", pipeline], {
    cwd: home,
    env: { ...env, PATH: `${join(home, "bin")}:${PATH}`, ACCEPTUTILS_HOME: home },
    encoding: "latin1",
  });
  if (!asked.stdout) {
    const why = asked.error?.message ?? asked.stderr.trim().split("\n")[0];
    throw new CannotMake(`control/smtpcapabilities: ofmipd told no capabilities${why ? ` (${why})` : ""}`);
  }
  return asked.stdout;
}
