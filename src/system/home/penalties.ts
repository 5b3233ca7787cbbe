/**
 * The book of failures on disk: users/penalties, written by the auth process and read by `acceptutils penalty`; and
 * users/forgiven, names that the auth process is asked to strike out. Lines of JSON, mode 600.
 */
import { appendFileSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "../../auth/penalty.ts";
import { codeOf } from "../system.ts";
import { replaceFile } from "./atomic.ts";

const bookOf = (home: string) => join(home, "users", "penalties");
const requestsOf = (home: string) => join(home, "users", "forgiven");

/** What was written last, without what is to be forgiven. Lines that are none are passed over. */
export function readPenalties(home: string): Entry[] {
  const forgiven = new Set(linesOf(requestsOf(home)));
  return linesOf(bookOf(home))
    .filter(isEntry)
    .filter(({ name }) => !forgiven.has(name));
}

/** Throws the system's errors, and Busy. */
export function writePenalties(home: string, entries: readonly Entry[]): void {
  const text = entries.map((entry) => JSON.stringify(entry) + "\n").join("");
  replaceFile(bookOf(home), Buffer.from(text), { mode: 0o600 });
}

/** Asks whoever keeps the book to strike out a name. Throws the system's errors. */
export function askForgiveness(home: string, name: string): void {
  appendFileSync(requestsOf(home), JSON.stringify(name) + "\n", { mode: 0o600 });
}

/** What was asked for since the last time; it will not be given again. */
export function takeForgiven(home: string): string[] {
  const taken = `${requestsOf(home)}.taken`;
  try {
    // Moved first: what is asked for from now on is in a new file.
    renameSync(requestsOf(home), taken);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
  const names = linesOf(taken).filter((name) => typeof name === "string");
  rmSync(taken, { force: true });
  return names;
}

function linesOf(path: string): unknown[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
  return text.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as unknown];
    } catch {
      return []; // the last line of a file that was not finished
    }
  });
}

function isEntry(value: unknown): value is Entry {
  const { kind, name, score, at } = (value ?? {}) as Record<string, unknown>;
  return (
    (kind === "network" || kind === "account") &&
    typeof name === "string" &&
    Number.isFinite(score) &&
    Number.isFinite(at)
  );
}
