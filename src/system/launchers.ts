/** Launchers: two lines of sh that start a program of ours with the right interpreter, for PATH. */
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launcherMark } from "./lookup.ts";
import { makeFolders } from "./make-folders.ts";

/** What a launcher starts: the interpreter and the bundle, by absolute paths. */
export interface Installation {
  readonly node: string;
  readonly bundle: string;
}

/**
 * Programs that are told of certificates by variables like CERTFILE:mx.example. Of the shells that a machine may have as
 * sh, bash alone hands such names on.
 */
const namedCertificates = /^(sslserver$|s6-)/;

export function launcherText(name: string, { node, bundle }: Installation): string {
  const words = [quoted(node), "--disable-warning=ExperimentalWarning", quoted(bundle), name];
  const shell = namedCertificates.test(name) && existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh";
  return `#!${shell}\n${launcherMark}\n# ${name}\nexec ${words.join(" ")} "$@"\n`;
}

/**
 * Writes a launcher for each name into `folder`, which is made if need be. Files that are not launchers of ours are
 * left alone and returned. Throws the system's error when the folder cannot be written.
 */
export function writeLaunchers(
  folder: string,
  names: readonly string[],
  installation: Installation,
): string[] {
  makeFolders(folder);
  const foreign: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const text = launcherText(name, installation);
    if (existsSync(path)) {
      const there = readFileSync(path, "latin1");
      if (there === text) continue;
      if (there.split("\n")[1] !== launcherMark) {
        foreign.push(path);
        continue;
      }
    }
    // By rename, so that a running shell never reads half a launcher.
    writeFileSync(`${path}.new`, text);
    chmodSync(`${path}.new`, 0o755);
    renameSync(`${path}.new`, path);
  }
  return foreign;
}

/** A word for sh: as it is when plain, else in single quotes. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_/.:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
