/** Finds what a word of a command line stands for: a program of ours, or a file of someone else's. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { CannotRun, codeOf } from "./system.ts";

/** The second line of every launcher; how a word on PATH is known to be ours. See tools and `acceptutils install`. */
export const launcherMark = "# acceptutils launcher";

export interface Found {
  /** The absolute path of the file. */
  readonly path: string;
  /** The program of ours that the file starts; undefined for someone else's. */
  readonly ours: string | undefined;
}

/** Of those for one word in one working directory the last is kept: nearly all have the same path. */
interface Search {
  readonly path: string | undefined;
  readonly at: number;
  readonly found: Found;
}

/** By working directory and word. */
const known = new Map<string, Map<string, Search>>();
const trustMs = 1000;

/**
 * Looks `word` up as execvp(3) does: as it is when it has a slash, else in each folder of `path`.
 * Throws CannotRun when there is no such program. What was found is trusted for a second.
 */
export function lookUp(word: string, path: string | undefined, cwd: string): Found {
  const before = known.get(cwd)?.get(word);
  const now = performance.now();
  if (before !== undefined && now - before.at < trustMs && before.path === path) return before.found;
  const found = search(word, path, cwd);
  keep(word, cwd, { path, at: now, found });
  return found;
}

function keep(word: string, cwd: string, search: Search): void {
  if (known.size > 100) known.clear();
  const words = known.get(cwd) ?? new Map<string, Search>();
  if (words.size > 100) words.clear();
  known.set(cwd, words.set(word, search));
}

/** The program of ours that `word` stands for; undefined when it is somebody else's, or not there. */
export function ourProgram(word: string, path: string | undefined, cwd: string): string | undefined {
  try {
    return lookUp(word, path, cwd).ours;
  } catch (error) {
    if (error instanceof CannotRun) return undefined;
    throw error;
  }
}

function search(word: string, path: string | undefined, cwd: string): Found {
  if (word === "") throw new CannotRun(word, "ENOENT");
  if (word.includes("/")) {
    const file = word.startsWith("/") ? word : inFolder(cwd, word);
    const why = unusable(file);
    if (why !== undefined) throw new CannotRun(word, why);
    return { path: file, ours: oursIn(file) };
  }
  let why = "ENOENT";
  for (const folder of (path ?? "/usr/local/bin:/bin:/usr/bin").split(":")) {
    const file = inFolder(folder === "" ? cwd : folder, word);
    const reason = unusable(file);
    if (reason === undefined) return { path: file, ours: oursIn(file) };
    if (reason !== "ENOENT" && reason !== "ENOTDIR") why = reason;
  }
  throw new CannotRun(word, why);
}

/** The file with at least one slash in its path, so that nobody looks for it in PATH again. */
function inFolder(folder: string, name: string): string {
  const file = join(folder, name);
  return file.includes("/") ? file : `./${file}`;
}

function unusable(file: string): string | undefined {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile() ? undefined : "EACCES";
  } catch (error) {
    return codeOf(error);
  }
}

/** A launcher begins `#!/bin/sh`, the mark, and `# NAME`. */
function oursIn(file: string): string | undefined {
  const head = Buffer.alloc(128);
  let fd: number | undefined;
  try {
    fd = openSync(file, "r");
    const text = head.toString("latin1", 0, readSync(fd, head, 0, head.length, 0));
    const [, mark, name] = text.split("\n");
    return mark === launcherMark && name?.startsWith("# ") ? name.slice(2) : undefined;
  } catch {
    return undefined; // not readable for us: someone else's
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
