/** Other people's programs, run with words and an input, to their end. */
import { spawn, spawnSync } from "node:child_process";

export interface Result {
  readonly code: number | null;
  readonly out: string;
  /** Standard output and standard error, in the order they came. */
  readonly all: string;
}

/** Runs a program; an option of our own is `input`. It is killed after a minute. */
export async function run(
  argv: readonly string[],
  { input = "", env = {}, cwd = "/" }: { input?: string; env?: Record<string, string>; cwd?: string } = {},
): Promise<Result> {
  const [word = "", ...args] = argv;
  const child = spawn(word, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: 60_000,
  });
  let [out, all] = ["", ""];
  child.stdout.setEncoding("latin1").on("data", (text: string) => {
    out += text;
    all += text;
  });
  child.stderr.setEncoding("latin1").on("data", (text: string) => {
    all += text;
  });
  child.stdin.on("error", () => {}); // it may not want it all
  child.stdin.end(Buffer.from(input, "latin1"));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", reject);
  });
  return { code, out, all };
}

/** False when the programs are installed, else what to say of a test that needs them. */
export function missing(...programs: readonly string[]): string | false {
  const absent = programs.filter((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
  return absent.length === 0 ? false : `${absent.join(", ")} not installed`;
}

/** Where somebody else's program is: ours of the same name may come before it in the PATH of a test. */
export function pathOf(program: string): string {
  return spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).stdout.trim();
}
