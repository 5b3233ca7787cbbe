import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { becomeLaterVariable, becomeVariable } from "./become-as-told.ts";

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
