/** Finds what is broken in the files of a home folder, before anything is started with them. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { networks } from "../../auth/network.ts";
import { parseUser } from "../../control/users.ts";
import { parseRules } from "../../protocol/fixsmtpio/rule.ts";
import { lookUp } from "../lookup.ts";
import { CannotRun, codeOf } from "../system.ts";
import { isHostName } from "./control-files.ts";

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

/** Where in a file, from 1, and what is wrong there. */
interface Spot {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

interface Surroundings {
  readonly home: string;
  readonly path: string;
}

type Check = (text: string, around: Surroundings) => Iterable<Spot>;

const hostNames = ["me", "idhost", "defaulthost", "defaultdomain", "plusdomain", "localiphost"];
const queueNames = ["envnoathost", "bouncehost", "doublebouncehost", "helohost"];
const timeouts = ["timeoutsmtpd", "timeoutpop3d", "timeoutauth", "timeoutconnect", "timeoutremote"];
const amounts = ["databytes", "queuelifetime", "concurrencylocal", "concurrencyremote"];

/** The control files we understand, qmail-control(5). What else is in control/ is somebody else's. */
const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ...[...hostNames, ...queueNames].map((name): [string, Check] => [name, hostName]),
  ...[...timeouts, ...amounts].map((name): [string, Check] => [name, number]),
  ["locals", domains],
  ["rcpthosts", domains],
  ["recipients", recipients],
  ["penaltyexempt", networkList],
  ["smtpcapabilities", capabilities],
  ["pop3capabilities", capabilities],
  ["fixsmtpio", (text) => parseRules(text).problems],
  ["smtpfilters", programs],
  ["ofmipfilters", programs],
]);

/** Without rcpthosts, mail for the whole world is taken; without the others, nobody is greeted or logged in. */
const mandatory = ["me", "rcpthosts", "smtpcapabilities", "pop3capabilities"];

/** All faults of the home's control files, users, certificate and run scripts. `path`: where programs are looked for. */
export function faultsIn(home: string, path: string): Fault[] {
  return [
    ...mandatory.filter((name) => !isThere(home, `control/${name}`)).map(missing),
    ...[...checks].flatMap(([name, check]) => faultsOf(home, `control/${name}`, check, path)),
    ...faultsOf(home, "users/passwd", users, path),
    ...faultsOf(home, "users/accounts", accounts, path),
    ...faultsOf(home, "control/servercert.pem", certificate, path),
    ...scripts(home),
  ];
}

const isThere = (home: string, file: string) =>
  statSync(join(home, file), { throwIfNoEntry: false }) !== undefined;

const missing = (name: string): Fault => ({
  file: `control/${name}`,
  text: "is missing; acceptutils init makes what is missing",
});

function faultsOf(home: string, file: string, check: Check, path: string): Fault[] {
  if (!isThere(home, file)) return [];
  try {
    const text = readFileSync(join(home, file), "latin1");
    return Array.from(check(text, { home, path }), (spot) => ({ file, ...spot }));
  } catch (error) {
    return [{ file, text: unreadable(error) }];
  }
}

function unreadable(error: unknown): string {
  const code = codeOf(error);
  if (code === "") throw error;
  const self = process.geteuid!();
  if (code === "EACCES" || code === "EPERM") return `cannot be read by us, uid ${self}: start as its owner`;
  return code === "EISDIR" ? "is a folder, and should be a file" : `cannot be read: ${code}`;
}

/** The lines that count, with their numbers: neither empty nor comments. */
function* entries(text: string): Generator<[line: number, entry: string]> {
  for (const [at, line] of text.split("\n").entries()) {
    const entry = line.replace(/[ \t]+$/, "");
    if (entry !== "" && !entry.startsWith("#")) yield [at + 1, entry];
  }
}

function* networkList(text: string): Generator<Spot> {
  for (const [line, entry] of entries(text.replaceAll("\r\n", "\n"))) {
    try {
      networks([entry]);
    } catch {
      yield { line, column: 1, text: `wants a network such as 198.51.100.0/24, not "${printable(entry)}"` };
    }
  }
}

function* hostName(text: string): Generator<Spot> {
  const [name = ""] = text.split("\n", 1);
  if (!isHostName(name.trimEnd().toLowerCase()) || name.includes("\r")) {
    yield { line: 1, column: 1, text: `wants a host name, not "${printable(name)}"` };
  }
}

function* domains(text: string): Generator<Spot> {
  for (const [line, entry] of entries(text)) {
    const bad = /[^a-z0-9.[\]:_-]/i.exec(entry);
    if (bad !== null) {
      const text = `"${printable(bad[0])}" cannot be in a domain; one domain a line`;
      yield { line, column: bad.index + 1, text };
    }
  }
}

function* recipients(text: string, { home }: Surroundings): Generator<Spot> {
  const all = [...entries(text)];
  const mailboxes = new Set(readdirSync(join(home, "mail")));
  for (const [line, entry] of all) {
    const [name = "", target = name, ...more] = entry.split(":");
    if (name === "" || more.length > 0 || /[^\x21-\x7e]|@/.test(entry)) {
      yield { line, column: 1, text: 'wants "name" or "name:other-name"' };
    } else if (!mailboxes.has(target)) {
      const text = `there is no mailbox mail/${target}; acceptutils user add ${target} makes it`;
      yield { line, column: entry.length - target.length + 1, text };
    }
  }
}

function* number(text: string): Generator<Spot> {
  const [line = ""] = text.split("\n", 1);
  if (!/^[0-9]/.test(line)) {
    yield { line: 1, column: 1, text: `wants a number, not "${printable(line)}"` };
  }
}

function* capabilities(text: string): Generator<Spot> {
  for (const [line, entry] of entries(text)) {
    const wrong = /^(?:[0-9]{3}[- ]|(?:STARTTLS|STLS|AUTH)\b|.*\r)/i.exec(entry);
    if (wrong === null) continue;
    const text = wrong[0].endsWith("\r")
      ? "a carriage return at the end"
      : `"${wrong[0].trim()}" is not for this file: authup adds it`;
    yield { line, column: wrong[0].endsWith("\r") ? wrong[0].length : 1, text };
  }
}

function* programs(text: string, { home, path }: Surroundings): Generator<Spot> {
  for (const [line, entry] of entries(text)) {
    try {
      lookUp(entry, path, home);
    } catch (error) {
      if (!(error instanceof CannotRun)) throw error;
      yield { line, column: 1, text: `${error.message}; one program a line, without arguments` };
    }
  }
}

function* users(text: string): Generator<Spot> {
  const seen = new Set<string>();
  for (const [line, entry] of entries(text)) {
    const user = parseUser(entry);
    if (user === undefined) {
      yield { line, column: 1, text: "wants name:hash:uid:gid:gecos:home:shell" };
    } else if (seen.has(user.name)) {
      yield { line, column: 1, text: `there is another ${user.name} above` };
    }
    if (user !== undefined) seen.add(user.name);
  }
}

function* accounts(text: string): Generator<Spot> {
  for (const [line, entry] of entries(text)) {
    if (!/^[^:]+:\d{1,10}:\d{1,10}$/.test(entry)) yield { line, column: 1, text: "wants name:uid:gid" };
  }
}

function* certificate(pem: string): Generator<Spot> {
  const spot = (text: string, pattern: RegExp) => ({
    line: pem.slice(0, Math.max(0, pem.search(pattern))).split("\n").length,
    column: 1,
    text,
  });
  const key = parsed(() => createPrivateKey(pem));
  if (key === undefined) yield spot("has no private key that can be read", /-----BEGIN [A-Z ]*PRIVATE KEY/);
  const own = parsed(() => new X509Certificate(pem.slice(pem.search(/-----BEGIN CERT/))));
  if (own === undefined) {
    yield spot("has no certificate that can be read", /-----BEGIN CERT/);
  } else if (key !== undefined && !own.checkPrivateKey(key)) {
    yield spot("the certificate is not for the key above it", /-----BEGIN CERT/);
  } else if (own.validToDate.getTime() < Date.now()) {
    const text = `the certificate ended on ${own.validTo}; without this file, acceptutils init makes a new one`;
    yield spot(text, /-----BEGIN CERT/);
  }
}

/** undefined instead of an error that would quote the file: it has a key in it. */
function parsed<Result>(parse: () => Result): Result | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

function* scripts(home: string): Generator<Fault> {
  for (const name of readdirSync(join(home, "service"))) {
    if (name.startsWith(".") || !statSync(join(home, "service", name)).isDirectory()) continue;
    const file = `service/${name}/run`;
    if (!isThere(home, file)) yield { file, text: "is missing: a service is a folder with a run script" };
  }
}

/** What of a line can be shown: no control characters, and not too much. */
function printable(text: string): string {
  return text.slice(0, 60).replace(/[^\x20-\x7e]/g, "?");
}
