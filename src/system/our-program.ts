import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Tells a process of ours who to become before anything else. */
const becomeVariable = "ACCEPTUTILS_BECOME";
/** The same, once it has opened what it could not open afterwards. */
const becomeLaterVariable = "ACCEPTUTILS_BECOME_LATER";

/**
 * Becomes who we were told to be. It is done here, and not by who starts us, because our own files may be in a folder
 * that is closed to that user: they are loaded by now.
 */
export function becomeAsTold(): void {
  become(becomeVariable);
}

/** For a program that is told so: everything is open now. */
export function becomeAsToldNow(): void {
  become(becomeLaterVariable);
}

function become(variable: string): void {
  const [uid, gid] = (process.env[variable] ?? "").split(":").map(Number);
  delete process.env[variable];
  if (!uid || !gid || process.getuid!() !== 0) return;
  process.setgroups!([gid]);
  process.setgid!(gid);
  process.setuid!(uid);
}

/** How a process of ours is started, other than by being named in a run script. */
export interface OurProgram {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Beyond 0, 1 and 2; the first is descriptor 3. */
  readonly more?: readonly ("pipe" | number)[];
  readonly descriptors: readonly ["pipe" | "ignore" | number, "pipe" | "ignore" | number];
  /** Who it runs as; us when not said. */
  readonly account?: { readonly uid: number; readonly gid: number } | undefined;
  /** It becomes the account by itself, with becomeAsToldNow(). */
  readonly later?: boolean;
}

/** Starts a program of ours as a process of its own: our interpreter, our bundle. Throws the system's error. */
export async function startOurs({
  name,
  args = [],
  env,
  more = [],
  descriptors,
  account,
  later = false,
}: OurProgram): Promise<ChildProcess> {
  const words = [...process.execArgv, process.argv[1]!, name, ...args];
  const stdio = [...descriptors, 2 as const, ...more];
  const variable = later ? becomeLaterVariable : becomeVariable;
  const identity = account && { [variable]: `${account.uid}:${account.gid}` };
  // In the folder we are in: the home folder, whose full path may be closed to the child.
  const child = spawn(process.execPath, words, { stdio, env: { ...env, ...identity } });
  await once(child, "spawn");
  return child;
}
