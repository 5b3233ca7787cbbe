/** What a program costs as a process of its own: its start, a few words, its end. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../tools/steps.ts";
import { host } from "../contender/contender.ts";
import { cpuSecondsOf } from "./processes.ts";
import { Failed } from "./sample.ts";

export interface Start {
  readonly argv: readonly string[];
  /** How often for one sample: the kernel counts in hundredths of a second. */
  readonly times: number;
  /** What it is told, and what it has to say to that. */
  readonly told?: { readonly input: string; readonly says: RegExp };
  /** How it ends when it is told nothing: its status, and what it says to standard error. */
  readonly ends?: { readonly status: number; readonly stderr: RegExp };
}

/** What qmail-smtpd is told. */
export const told = { input: "QUIT\r\n", says: /^220 .*\r\n221 .*\r\n$/ };

/** The program of one contender: ours, Node.js without a program, and the smallest there is. */
const programs: Readonly<Record<string, Start>> = {
  acceptutils: {
    argv: [join(root, "build", "bin", "qmail-smtpd")],
    times: 10,
    told,
  },
  "bare Node.js": { argv: [process.execPath, "-e", "0"], times: 10 },
  limit: { argv: ["/bin/true"], times: 300 },
};

/** Milliseconds of CPU for the program of this contender; undefined when it has none. Throws Failed. */
export function nativeStart(contender: string): number | undefined {
  const start = programs[contender];
  return start && withHome((env) => startMilliseconds(start, env));
}

/** The environment of a program that finds the smallest home there is, for as long as `use` takes. */
export function withHome<Result>(use: (env: NodeJS.ProcessEnv) => Result): Result {
  const home = mkdtempSync(join(tmpdir(), "acceptutils-bench-home-"));
  try {
    mkdirSync(join(home, "control"));
    writeFileSync(join(home, "control", "me"), `${host}\n`);
    return use({ ...process.env, ACCEPTUTILS_HOME: home });
  } finally {
    rmSync(home, { recursive: true });
  }
}

/** The same for any program. Throws Failed when it does not start, or does not say or end as it should. */
export function startMilliseconds({ argv, times, told, ends }: Start, env = process.env): number {
  const [command = "", ...words] = argv;
  const once = () => {
    const { stdout, stderr, status, signal, error } = spawnSync(command, words, {
      input: told?.input ?? "",
      env,
      encoding: "latin1",
      // qmail-queue reads its standard output, and would wait for us there
      stdio: ["pipe", ends === undefined ? "pipe" : "ignore", "pipe"],
    });
    if (error) throw new Failed(error.message);
    if (ends !== undefined && (status !== ends.status || !ends.stderr.test(stderr)))
      throw new Failed(`${command} ended with ${status ?? signal}: ${stderr.trim()}`);
    if (told !== undefined && !told.says.test(stdout)) throw new Failed(stderr.trim() || stdout);
  };
  once();
  const before = cpuSecondsOf([process.pid]);
  for (let at = 0; at < times; at++) once();
  return ((cpuSecondsOf([process.pid]) - before) / times) * 1000;
}
