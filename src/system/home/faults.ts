/** Finds what is broken in the files of a home folder, before anything is started with them. */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { dovecotSettings } from "../../control/checkpassword-dovecot.ts";
import { httpSettings } from "../../control/checkpassword-http.ts";
import { ldapSettings } from "../../control/checkpassword-ldap.ts";
import { pamSettings } from "../../control/checkpassword-pam.ts";
import { pgsqlSettings } from "../../control/checkpassword-pgsql.ts";
import { oauthSettings } from "../../control/oauth.ts";
import { parseRules } from "../../protocol/fixsmtpio/rule.ts";
import { codeOf, systemWords } from "../system.ts";
import {
  accounts,
  type Check,
  capabilities,
  certificate,
  certificateUsers,
  domains,
  hostName,
  linesOf,
  mechanisms,
  networkList,
  number,
  plainText,
  programs,
  recipients,
  type Spot,
  type Surroundings,
  settings,
  users,
} from "./checks.ts";
import { readEnvironment } from "./facts.ts";

/** Something wrong at a place in a file. */
export interface Fault {
  /** From the home folder on. */
  readonly file: string;
  /** Both from 1; undefined when the file as a whole is meant. */
  readonly line?: number;
  readonly column?: number;
  /** What is wrong, and what would be right. */
  readonly text: string;
}

/** As editors and compilers write it: file:line:column: what. */
export function formatFault(home: string, { file, line, column, text }: Fault): string {
  const place = line === undefined ? "" : `:${line}:${column ?? 1}`;
  return `${join(home, file)}${place}: ${text}`;
}

const hostNames = ["me", "idhost", "defaulthost", "defaultdomain", "plusdomain", "localiphost"];
const queueNames = ["envnoathost", "bouncehost", "doublebouncehost", "helohost"];
const timeouts = ["timeoutsmtpd", "timeoutpop3d", "timeoutauth", "timeoutconnect", "timeoutremote"];
const amounts = ["databytes", "queuelifetime", "concurrencylocal", "concurrencyremote"];

/** Of addresses and hosts, one a line: RFC 5321 §4.5.3.1 has 256 octets for a path. */
const lists = ["smtproutes", "badmailfrom", "badrcptto", "doublebounceto"];
const longestEntry = 1000;
/** RFC 5321 §4.5.3.1.5, without code and line end. */
const longestGreeting = 506;

/** The control files we understand, qmail-control(5). What else is in control/ is somebody else's. */
const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ...[...hostNames, ...queueNames].map((name): [string, Check] => [name, hostName]),
  ...[...timeouts, ...amounts].map((name): [string, Check] => [name, number]),
  ["locals", domains],
  ["rcpthosts", domains],
  ...lists.map((name): [string, Check] => [name, linesOf(longestEntry)]),
  ["smtpgreeting", linesOf(longestGreeting)],
  ["rewrite", plainText],
  ["rcptchecks", plainText],
  ["recipients", recipients],
  ["penaltyexempt", networkList],
  ["authmechanisms", mechanisms],
  ["certificateusers", certificateUsers],
  ["smtpcapabilities", capabilities],
  ["pop3capabilities", capabilities],
  ["fixsmtpio", (text) => parseRules(text).problems],
  ["smtpfilters", programs],
  ["ofmipfilters", programs],
  ["checkpassword-pam", settings(pamSettings)],
  ["checkpassword-ldap", settings(ldapSettings)],
  ["checkpassword-pgsql", settings(pgsqlSettings)],
  ["oauth", settings(oauthSettings)],
  ["checkpassword-http", settings(httpSettings)],
  ["checkpassword-dovecot", settings(dovecotSettings)],
]);

const usersAndCertificate: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["users/passwd", users],
  ["users/accounts", accounts],
  ["control/servercert.pem", certificate],
]);

/** What only has to be there as a file that we can read, if it is there. */
const unchecked = ["control/morercpthosts.cdb", "users/scramkey"];

/** Without rcpthosts, mail for the whole world is taken; without the others, nobody is greeted or logged in. */
const mandatory: ReadonlySet<string> = new Set([
  ...["me", "rcpthosts", "smtpcapabilities", "pop3capabilities"].map((name) => `control/${name}`),
  ...usersAndCertificate.keys(),
]);

const makesIt = "acceptutils init makes what is missing";
const isMissing = `is missing; ${makesIt}`;

/** All faults of the home's control files, users, certificate, queue and run scripts. `path`: where programs are looked for. */
export function faultsIn(home: string, path: string): Fault[] {
  const around = { home, path };
  const shape = [...folders(home)];
  if (shape.length > 0) return shape; // all that is in one would be missing, too
  return [
    ...[...checks].flatMap(([name, check]) => faultsOf(`control/${name}`, check, around)),
    ...[...usersAndCertificate].flatMap(([file, check]) => faultsOf(file, check, around)),
    ...unchecked.flatMap((file) => faultsOf(file, () => [], around)),
    ...queue(home),
    ...scripts(around),
  ];
}

/** A file that is something else altogether is wrong in every line. */
const mostOfAFile = 5;

function* folders(home: string): Generator<Fault> {
  for (const file of ["control", "users", "mail", "service"]) {
    const path = join(home, file);
    try {
      if (!statSync(path).isDirectory())
        yield { file, text: `is a file, and should be a folder: move it away, and ${makesIt}` };
      else accessSync(path, constants.R_OK | constants.X_OK);
    } catch (error) {
      yield { file, text: codeOf(error) === "ENOENT" ? isMissing : unusable(error, "read") };
    }
  }
}

function faultsOf(file: string, check: Check, around: Surroundings): Fault[] {
  try {
    const text = readIfThere(join(around.home, file));
    if (text === undefined) return mandatory.has(file) ? [{ file, text: isMissing }] : [];
    const faults = Array.from(check(text, around), (spot): Fault => ({ file, ...spot }));
    if (faults.length <= mostOfAFile) return faults;
    const more = faults.length - mostOfAFile;
    return [...faults.slice(0, mostOfAFile), { file, text: `and ${more} more lines like these` }];
  } catch (error) {
    return [{ file, text: unusable(error, "read") }];
  }
}

function readIfThere(path: string): string | undefined {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  return readFileSync(path, "latin1");
}

/** Why the system did not let us have a file or folder. Throws what is no error of the system. */
function unusable(error: unknown, deed: "read" | "written"): string {
  const code = codeOf(error);
  if (code === "") throw error;
  const self = process.geteuid!();
  if (code === "EACCES" || code === "EPERM")
    return `cannot be ${deed} by us, uid ${self}: start as its owner, or change its mode`;
  return code === "EISDIR"
    ? "is a folder, and should be a file: move it away"
    : `cannot be ${deed}: ${systemWords(code)}`;
}

/** What waits for delivery is written here by the queue, from the first message on. */
function* queue(home: string): Generator<Fault> {
  const [file, path] = ["queue", join(home, "queue")];
  try {
    if (statSync(path).isDirectory()) accessSync(path, constants.W_OK | constants.X_OK);
    else yield { file, text: "is a file, and should be a folder: move it away, and it is made" };
  } catch (error) {
    yield { file, text: codeOf(error) === "ENOENT" ? isMissing : unusable(error, "written") };
  }
}

function* scripts(around: Surroundings): Generator<Fault> {
  const folder = join(around.home, "service");
  for (const name of readdirSync(folder)) {
    if (name.startsWith(".") || !statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory())
      continue;
    const file = `service/${name}/run`;
    const script = faultsOf(file, runScript, around);
    if (!existsSync(join(folder, name, "run")))
      yield { file, text: "is missing: a service is a folder with a run script" };
    else if (script.length > 0) yield* script;
    else yield* variables(`service/${name}/env`, around);
  }
}

function* runScript(text: string): Iterable<Spot> {
  if (text.trim() === "") yield { line: 1, column: 1, text: "is empty: a run script starts the service" };
  yield* plainText(text);
}

/** A variable has no more room in the environment of a process. */
const longestVariable = 100_000;

/** Each file is a variable. envdir(8) */
function* variables(file: string, { home }: Surroundings): Generator<Fault> {
  try {
    for (const [name, value] of readEnvironment(join(home, file))) {
      const variable = `${file}/${name}`;
      if (value.length > longestVariable)
        yield { file: variable, text: `is too long for a variable: at most ${longestVariable} octets` };
      else if (/[\x01-\x08\x0b-\x1f\x7f]/.test(value))
        yield { file: variable, text: "has a control character: this is no text" };
    }
  } catch (error) {
    yield { file, text: `wants files that we can read: one of them ${unusable(error, "read")}` };
  }
}
