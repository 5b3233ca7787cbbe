/** Finds what is broken in the files of a home folder, before anything is started with them. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { accessSync, constants, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { networks } from "../../auth/network.ts";
import { parseCertificateUser } from "../../control/certificate-users.ts";
import { dovecotSettings } from "../../control/checkpassword-dovecot.ts";
import { httpSettings } from "../../control/checkpassword-http.ts";
import { ldapSettings } from "../../control/checkpassword-ldap.ts";
import { pamSettings } from "../../control/checkpassword-pam.ts";
import { pgsqlSettings } from "../../control/checkpassword-pgsql.ts";
import { oauthSettings } from "../../control/oauth.ts";
import { type Kinds, parseSettings } from "../../control/settings-file.ts";
import { parseUser } from "../../control/users.ts";
import { parseRules } from "../../protocol/fixsmtpio/rule.ts";
import { isMechanism } from "../../protocol/sasl/mechanisms.ts";
import { lookUp } from "../lookup.ts";
import { CannotRun, codeOf, systemWords } from "../system.ts";
import { isHostName } from "./control-files.ts";
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

/** Without rcpthosts, mail for the whole world is taken; without the others, nobody is greeted or logged in. */
const mandatory: ReadonlySet<string> = new Set([
  ...["me", "rcpthosts", "smtpcapabilities", "pop3capabilities"].map((name) => `control/${name}`),
  ...usersAndCertificate.keys(),
]);

const isMissing = "is missing; acceptutils init makes what is missing";

/** All faults of the home's control files, users, certificate, queue and run scripts. `path`: where programs are looked for. */
export function faultsIn(home: string, path: string): Fault[] {
  const around = { home, path };
  return [
    ...[...checks].flatMap(([name, check]) => faultsOf(`control/${name}`, check, around)),
    ...[...usersAndCertificate].flatMap(([file, check]) => faultsOf(file, check, around)),
    ...queue(home),
    ...scripts(around),
  ];
}

function faultsOf(file: string, check: Check, around: Surroundings): Fault[] {
  try {
    const text = readIfThere(join(around.home, file));
    if (text === undefined) return mandatory.has(file) ? [{ file, text: isMissing }] : [];
    return Array.from(check(text, around), (spot) => ({ file, ...spot }));
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

/** The lines that count, with their numbers: neither empty nor comments. */
function* entries(text: string): Generator<[line: number, entry: string]> {
  for (const [at, line] of text.split("\n").entries()) {
    const entry = line.replace(/[ \t]+$/, "");
    if (entry !== "" && !entry.startsWith("#")) yield [at + 1, entry];
  }
}

function* mechanisms(text: string): Generator<Spot> {
  for (const [line, entry] of entries(text.replaceAll("\r\n", "\n"))) {
    if (isMechanism(entry.toUpperCase())) continue;
    yield { line, column: 1, text: `wants a mechanism that authup(8) lists, not "${printable(entry)}"` };
  }
}

function* certificateUsers(text: string): Generator<Spot> {
  for (const [line, entry] of entries(text)) {
    if (parseCertificateUser(entry) !== undefined) continue;
    const text = 'wants a user and "sha256:…", "subject:…" or "email:…"';
    yield { line, column: 1, text };
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

function settings<Settings>(kinds: Kinds<Settings>): Check {
  return (text) => {
    const result = parseSettings(text, kinds);
    return "spots" in result ? result.spots : [];
  };
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
    const control = entry.search(/[\x00-\x0c\x0e-\x1f\x7f]/);
    if (control >= 0) {
      yield { line, column: control + 1, text: "a control character cannot be in a capability" };
      continue;
    }
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
    const control = entry.search(/[\x00-\x1f\x7f]/);
    if (control >= 0) {
      const text = "a control character cannot be in the name of a program; one program a line";
      yield { line, column: control + 1, text };
      return; // the rest of what is no text would be as bad
    }
    try {
      lookUp(entry, path, home);
    } catch (error) {
      if (!(error instanceof CannotRun)) throw error;
      const why = `unable to run ${printable(entry)}: ${systemWords(error.code)}`;
      yield { line, column: 1, text: `${why}; one program a line, without arguments` };
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
  const spot = (pattern: RegExp, what: string) => ({
    line: pem.slice(0, Math.max(0, pem.search(pattern))).split("\n").length,
    column: 1,
    text: `${what}; without this file, acceptutils init makes a new one`,
  });
  const [atKey, atCertificate] = [/-----BEGIN [A-Z ]*PRIVATE KEY/, /-----BEGIN CERT/];
  const key = parsed(() => createPrivateKey(pem));
  const own = parsed(() => new X509Certificate(pem.slice(pem.search(atCertificate))));
  if (key === undefined) {
    yield spot(atKey, "has no private key that can be read");
  } else if (own === undefined) {
    yield spot(atCertificate, "has no certificate that can be read");
  } else if (!own.checkPrivateKey(key)) {
    yield spot(atCertificate, "the certificate is not for the key above it");
  } else if (own.validToDate.getTime() < Date.now()) {
    yield spot(atCertificate, `the certificate ended on ${own.validTo}`);
  } else if (parsed(() => createSecureContext({ key: pem, cert: pem })) === undefined) {
    yield spot(atCertificate, "the certificate cannot be used for TLS");
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

function* scripts({ home }: Surroundings): Generator<Fault> {
  for (const name of readdirSync(join(home, "service"))) {
    const folder = join(home, "service", name);
    if (name.startsWith(".") || !statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    const [file, env] = [`service/${name}/run`, `service/${name}/env`];
    try {
      if (readIfThere(join(home, file)) === undefined)
        yield { file, text: "is missing: a service is a folder with a run script" };
    } catch (error) {
      yield { file, text: unusable(error, "read") };
      continue;
    }
    try {
      readEnvironment(join(home, env));
    } catch (error) {
      yield { file: env, text: `wants files that we can read: one of them ${unusable(error, "read")}` };
    }
  }
}

/** What of a line can be shown: no control characters, and not too much. */
function printable(text: string): string {
  return text.slice(0, 60).replace(/[^\x20-\x7e]/g, "?");
}
