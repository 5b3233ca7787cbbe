/**
 * Control files: one setting, one file, in `control/` under the home folder.
 * Source: qmail-control(5); qmail's control.c. Each setting has its reader here or beside its only user.
 */
import type { System } from "../system/system.ts";

/** The parts of a System that reading settings needs. */
export type Reader = Pick<System, "readFile">;

/** Spaces, tabs and line feeds at the end are no part of a line; a carriage return is. */
const trimEnd = (line: string) => line.replace(/[ \t\n]+$/, "");

/** The bytes of control/NAME as latin1 text; undefined when absent. Throws CannotOpen. */
export async function readText(reader: Reader, name: string): Promise<string | undefined> {
  const bytes = await reader.readFile(`control/${name}`);
  return bytes && textOf(bytes);
}

const textOf = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

/** The first line of control/NAME, without trailing blanks; undefined when absent. Throws CannotOpen. */
export async function readLine(reader: Reader, name: string): Promise<string | undefined> {
  const bytes = await reader.readFile(`control/${name}`);
  if (bytes === undefined) return undefined;
  let line = firstLines.get(bytes);
  if (line === undefined) {
    line = trimEnd(textOf(bytes).split("\n", 1)[0] ?? "");
    firstLines.set(bytes, line);
  }
  return line;
}

/** The first line of control/NAME, else of control/me; undefined when both are absent. Throws CannotOpen. */
export async function readLineOrMe(reader: Reader, name: string): Promise<string | undefined> {
  return (await readLine(reader, name)) ?? (await readLine(reader, "me"));
}

/** The digits that control/NAME begins with, as a number; `otherwise` when absent or without a digit. Throws CannotOpen. */
export async function readInteger(reader: Reader, name: string, otherwise: number): Promise<number> {
  const digits = /^[0-9]+/.exec((await readLine(reader, name)) ?? "")?.[0];
  return digits === undefined ? otherwise : Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

/** The lines of control/NAME, trimmed at the end, without empty ones and comments; undefined when absent. Throws CannotOpen. */
export async function readList(reader: Reader, name: string): Promise<readonly string[] | undefined> {
  const bytes = await reader.readFile(`control/${name}`);
  if (bytes === undefined) return undefined;
  let lines = lists.get(bytes);
  if (lines === undefined) {
    lines = listOf(textOf(bytes));
    lists.set(bytes, lines);
  }
  return lines;
}

/** An unchanged file is the same object, and its lines are made once. */
const lists = new WeakMap<Uint8Array, readonly string[]>();
const firstLines = new WeakMap<Uint8Array, string>();

/** The lines of a list file: trimmed at the end, without empty ones and comments. */
export function listOf(text: string): readonly string[] {
  return text
    .split("\n")
    .map(trimEnd)
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Looks up whole entries, letters of either case alike. Source: qmail's constmap. */
export function setOf(lines: readonly string[]): { has(entry: string): boolean } {
  const entries = new Set(lines.map(lowerCase));
  return { has: (entry) => entries.has(lowerCase(entry)) };
}

/** A to Z only: control files are bytes, and no byte above 127 has a case. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** timeoutsmtpd or timeoutpop3d: how long the client may stay silent, in seconds, at least 1; 1200 when not set. */
export async function readTimeout(reader: Reader, name: "timeoutsmtpd" | "timeoutpop3d"): Promise<number> {
  return Math.max(1, await readInteger(reader, name, 1200));
}
