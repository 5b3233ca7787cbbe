import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** How a process of ours is started, other than by being named in a run script. */
export interface OurProgram {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Beyond 0, 1 and 2; the first is descriptor 3. */
  readonly more?: readonly ("pipe" | number)[];
  readonly descriptors: readonly [0 | "pipe" | number, 1 | "pipe" | number];
  /** Who it runs as; us when not said. */
  readonly account?: { readonly uid: number; readonly gid: number } | undefined;
}

/** Starts a program of ours as a process of its own: our interpreter, our bundle. Throws the system's error. */
export async function startOurs({
  name,
  args = [],
  env,
  more = [],
  descriptors,
  account,
}: OurProgram): Promise<ChildProcess> {
  const words = [...process.execArgv, process.argv[1]!, name, ...args];
  const stdio = [...descriptors, 2 as const, ...more];
  // Node.js drops the groups we have when it sets another uid, as it must.
  const child = spawn(process.execPath, words, { stdio, env, cwd: "/", ...account });
  await once(child, "spawn");
  return child;
}
