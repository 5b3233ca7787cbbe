/** What a control file may say: each check tells the places in a text where it is wrong, and what would be right. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { networks } from "../../auth/network.ts";
import { parseCertificateUser } from "../../control/certificate-users.ts";
import { type Kinds, parseSettings } from "../../control/settings-file.ts";
import { parseUser, usersFile } from "../../control/users.ts";
import { isMechanism } from "../../protocol/sasl/mechanisms.ts";
import { lookUp } from "../lookup.ts";
import { CannotRun, codeOf, systemWords } from "../system.ts";
import { isHostName } from "./control-files.ts";

/** Where in a file, from 1, and what is wrong there. */
export interface Spot {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

export interface Surroundings {
  readonly home: string;
  readonly path: string;
}

export type Check = (text: string, around: Surroundings) => Iterable<Spot>;

/** The lines that count, with their numbers: neither empty nor comments. */
function* entries(text: string): Generator<[line: number, entry: string]> {
  for (const [at, line] of text.split("\n").entries()) {
    const entry = line.replace(/[ \t]+$/, "");
    if (entry !== "" && !entry.startsWith("#")) yield [at + 1, entry];
  }
}

export function* mechanisms(text: string): Generator<Spot> {
  for (const [line, entry] of entries(text.replaceAll("\r\n", "\n"))) {
    if (isMechanism(entry.toUpperCase())) continue;
    yield { line, column: 1, text: `wants a mechanism that authup(8) lists, not "${printable(entry)}"` };
  }
}

export function* certificateUsers(text: string): Generator<Spot> {
  for (const [line, entry] of entries(text)) {
    if (parseCertificateUser(entry) !== undefined) continue;
    const text = 'wants a user and "sha256:…", "subject:…" or "email:…"';
    yield { line, column: 1, text };
  }
}

export function* networkList(text: string): Generator<Spot> {
  for (const [line, entry] of entries(text.replaceAll("\r\n", "\n"))) {
    try {
      networks([entry]);
    } catch {
      yield { line, column: 1, text: `wants a network such as 198.51.100.0/24, not "${printable(entry)}"` };
    }
  }
}

export function settings<Settings>(kinds: Kinds<Settings>): Check {
  return (text) => {
    const result = parseSettings(text, kinds);
    return "spots" in result ? result.spots : [];
  };
}

export function* hostName(text: string): Generator<Spot> {
  const [name = ""] = text.split("\n", 1);
  if (!isHostName(name.trimEnd().toLowerCase()) || name.includes("\r")) {
    yield { line: 1, column: 1, text: `wants a host name, not "${printable(name)}"` };
  }
}

/** RFC 5321 §4.5.3.1.2 */
const longestDomain = 255;
/** RFC 5321 §4.5.3.1.5: a line of a reply has 512 octets, code and line end with them. */
const longestCapability = 506;

export function* domains(text: string): Generator<Spot> {
  for (const [line, entry] of entries(text)) {
    const bad = /[^a-z0-9.[\]:_-]/i.exec(entry);
    if (bad !== null) {
      const text = `"${printable(bad[0])}" cannot be in a domain; one domain a line`;
      yield { line, column: bad.index + 1, text };
    } else if (entry.length > longestDomain) {
      yield {
        line,
        column: longestDomain + 1,
        text: "a domain has at most 255 characters; one domain a line",
      };
    }
  }
}

export function* recipients(text: string, { home }: Surroundings): Generator<Spot> {
  for (const [line, entry] of entries(text)) {
    const [name = "", target = name, ...more] = entry.split(":");
    if (name === "" || more.length > 0 || /[^\x21-\x7e]|@|\//.test(entry)) {
      yield { line, column: 1, text: 'wants "name" or "name:other-name"' };
      continue;
    }
    const text = mailboxFault(home, target);
    if (text !== undefined) yield { line, column: entry.length - target.length + 1, text };
  }
}

/** What keeps mail from a mailbox, and what to do; undefined: nothing. */
function mailboxFault(home: string, name: string): string | undefined {
  const makes = hasLogin(home, name) ? "acceptutils init" : `acceptutils user add ${name}`;
  const folder = `mail/${name}`;
  try {
    if (statSync(join(home, folder, "Maildir")).isDirectory()) return undefined;
    return `${folder}/Maildir is a file, and should be a folder: move it away, and ${makes} makes it`;
  } catch (error) {
    const code = codeOf(error);
    if (code === "") throw error;
    if (code === "ENOENT") return `there is no mailbox ${folder}; ${makes} makes it`;
    return code === "ENOTDIR"
      ? `${folder} is a file, and should be a folder: move it away, and ${makes} makes it`
      : `${folder}: ${systemWords(code)}; start as its owner, or change its mode`;
  }
}

/** Whether `name` is in users/passwd already. */
function hasLogin(home: string, name: string): boolean {
  const text = parsed(() => readFileSync(join(home, usersFile), "latin1"));
  return text?.split("\n").some((line) => line.startsWith(`${name}:`)) ?? false;
}

export function* number(text: string): Generator<Spot> {
  const [line = ""] = text.split("\n", 1);
  if (!/^[0-9]/.test(line)) {
    yield { line: 1, column: 1, text: `wants a number, not "${printable(line)}"` };
  }
}

export function* capabilities(text: string): Generator<Spot> {
  for (const [line, entry] of entries(text)) {
    const control = entry.search(/[\x00-\x0c\x0e-\x1f\x7f]/);
    if (control >= 0) {
      yield { line, column: control + 1, text: "a control character cannot be in a capability" };
      continue;
    }
    if (entry.length > longestCapability) {
      yield { line, column: longestCapability + 1, text: "too long for a line of a reply" };
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

export function* programs(text: string, { home, path }: Surroundings): Generator<Spot> {
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

export function* users(text: string): Generator<Spot> {
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

export function* accounts(text: string): Generator<Spot> {
  let count = 0;
  for (const [line, entry] of entries(text)) {
    count++;
    if (!/^[^:]+:\d{1,10}:\d{1,10}$/.test(entry)) yield { line, column: 1, text: "wants name:uid:gid" };
  }
  if (count > 0) return;
  yield { line: 1, column: 1, text: "has no accounts; without this file, acceptutils init makes a new one" };
}

/** For a file of words: what is no text is no such file. */
export function* plainText(text: string): Generator<Spot> {
  for (const [at, line] of text.split("\n").entries()) {
    const control = line.search(/[\x00-\x08\x0b-\x1f\x7f]/);
    if (control < 0) continue;
    yield { line: at + 1, column: control + 1, text: "has a control character: this is no text" };
    return; // the rest of what is no text would be as bad
  }
}

/** Text whose lines have at most so many characters: one is an address, a host, a pattern, or words of a reply. */
export function linesOf(longest: number): Check {
  return function* (text) {
    yield* plainText(text);
    for (const [at, line] of text.split("\n").entries()) {
      if (line.length <= longest) continue;
      yield { line: at + 1, column: longest + 1, text: `a line has at most ${longest} characters here` };
    }
  };
}

export function* certificate(pem: string): Generator<Spot> {
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

/** What of a line can be shown: no control characters, and not too much. */
function printable(text: string): string {
  return text.slice(0, 60).replace(/[^\x20-\x7e]/g, "?");
}
