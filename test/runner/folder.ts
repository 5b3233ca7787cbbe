/** The folder that one case is played in: home/ (control/, bin/), the stand-ins and what they recorded. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Case, type Part, type Parts, type Run, root } from "./case.ts";

export interface Folder {
  readonly path: string;
  /** What /var/qmail is to the originals. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Makes the folder for a case. Removed by removeFolder(). */
export function makeFolder(played: Case): Folder {
  const path = mkdtempSync(join(tmpdir(), "golden."));
  const home = join(path, "home");
  for (const name of ["home/control", "home/bin", "stand-ins", "records"])
    mkdirSync(join(path, name), { recursive: true });
  if (played.run_as !== undefined) for (const name of ["", "records"]) chmodSync(join(path, name), 0o777);
  for (const [name, text] of Object.entries(played.control ?? {}))
    writeEntry(join(home, "control", name), text);
  for (const [name, text] of Object.entries(played.files ?? {})) writeEntry(join(home, name), text);
  for (const [name, parts] of Object.entries(partsByName(played.child))) {
    symlinkSync(join(root, "test", "stubs", "stand-in.pl"), join(home, "bin", name));
    for (const [at, part] of parts.entries())
      writeFileSync(join(path, "stand-ins", `${name}.${at + 1}.pl`), perlOf(part));
  }
  // qmail-qfilter-queue runs it from the home folder, and one case is about a folder without it.
  if (played.program === "qmail-qfilter-queue" && !played.name.endsWith("-not-executable"))
    symlinkSync(join(root, "build", "bin", "qmail-qfilter"), join(home, "bin", "qmail-qfilter"));
  const env = {
    ...played.env,
    PATH: `${join(home, "bin")}:${join(root, "build", "bin")}:/usr/bin:/bin`,
    ACCEPTUTILS_HOME: home,
    // See left-behind.ts: whatever a case starts can be found afterwards.
    ...(process.env["ACCEPTUTILS_TEST_RUN"]
      ? { ACCEPTUTILS_TEST_RUN: process.env["ACCEPTUTILS_TEST_RUN"] }
      : {}),
  };
  return { path, home, env };
}

export function removeFolder(folder: Folder): void {
  rmSync(folder.path, { recursive: true, force: true });
}

function writeEntry(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  if (text === "<DIR>") mkdirSync(path, { recursive: true });
  else writeFileSync(path, text, "latin1");
}

function partsByName(child: Parts | undefined): Readonly<Record<string, readonly Part[]>> {
  if (child === undefined) return {};
  if (Array.isArray(child)) return { child };
  if ("programs" in child) {
    return Object.fromEntries(
      Object.entries(child.programs as Record<string, Part | Part[]>).map(([name, part]) => [
        name,
        [part].flat(),
      ]),
    );
  }
  const part = child as Part;
  return { [part["kind"] === "show" ? "show" : "child"]: [part] };
}

/** A value as Perl writes it. */
function perlOf(value: unknown): string {
  if (value === null || value === undefined) return "undef";
  if (value === true) return "1";
  if (value === false) return "0";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") {
    return `"${value.replace(/[^A-Za-z0-9 .,:;()<>=+-]/g, (byte) => `\\x{${byte.charCodeAt(0).toString(16)}}`)}"`;
  }
  if (Array.isArray(value)) return `[${value.map(perlOf).join(",")}]`;
  return `+{${Object.entries(value)
    .map(([key, item]) => `${perlOf(key)}=>${perlOf(item)}`)
    .join(",")}}`;
}

/** What the stand-ins saw, in the order of their starts. */
export function readRuns(folder: Folder): Run[] {
  return readdirSync(join(folder.path, "records"))
    .sort()
    .map((name) => runOf(readFileSync(join(folder.path, "records", name), "latin1")));
}

function runOf(record: string): Run {
  const run = { program: "", argv: [] as string[], env: {} as Record<string, string> };
  const seen: { received?: string; saw_eof?: true; fd3?: string; message?: string; envelope?: string } = {};
  for (const line of record.split("\n")) {
    const [word = "", ...hex] = line.split(" ");
    const values = hex.map((digits) => Buffer.from(digits, "hex").toString("latin1"));
    const [first = "", second = ""] = values;
    if (word === "argv") Object.assign(run, { program: first, argv: values });
    else if (word === "env") run.env[first] = second;
    else if (word === "received") seen.received = (seen.received ?? "") + first;
    else if (word === "eof") seen.saw_eof = true;
    else if (word === "fd3" || word === "message" || word === "envelope") seen[word] = first;
  }
  return { ...run, ...seen };
}

/** All files under `home/Maildir`, as `files_after` lists them: nothing for directories. */
export function readFiles(folder: Folder, under: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(join(folder.home, under), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[path.slice(folder.home.length + 1)] = readFileSync(path, "latin1");
  }
  return files;
}
