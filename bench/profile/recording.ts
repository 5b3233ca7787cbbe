/** A figure as perf saw it: all samples of all our processes, and which process each is of. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { root } from "../../tools/steps.ts";
import { pinned } from "../contender/serve.ts";
import { withHome } from "../measure/native-start.ts";
import { isNode, titleOf } from "../measure/processes.ts";
import { short } from "../report.ts";
import { forgetNames, keepLatestNames } from "./names.ts";
import { perfFlags, recordDuring, recorded, samplesOf, startingFlags } from "./perf.ts";
import type { Sample } from "./samples.ts";
import { roleOf, type Service, withService } from "./service.ts";
import { type Work, works } from "./work.ts";

export interface Recording {
  readonly says: string;
  /** What was measured meanwhile. */
  readonly seen: string;
  /** As it is when nobody asks for names. */
  readonly plain: Samples;
  /** The same with the names of functions in JavaScript. */
  readonly named: Samples;
}

export interface Samples {
  readonly samples: readonly Sample[];
  /** The process of a sample, by what it does. */
  roleOf(sample: Sample): string;
}

const seconds = 4;

const starts: Readonly<Record<string, { says: string; record(): Promise<Recording> }>> = {
  start: { says: "cold start, until every door answers", record: recordStart },
  "13": { says: "native start of one program", record: recordPrograms },
};

/** All that can be recorded, in the order of the tables. */
export const recordable: readonly string[] = [...works.map(({ name }) => name), ...Object.keys(starts)];

/** Records one of `recordable`. */
export function recordingOf(name: string): Promise<Recording> {
  const work = works.find((one) => one.name === name);
  return work === undefined ? starts[name]!.record() : recordWork(work);
}

/** Who is up already, and has been warmed: names cost nothing any more. */
function recordWork(work: Work): Promise<Recording> {
  return withService({ flags: perfFlags }, async (service) => {
    await work.warm(service);
    const file = join(service.folder, "perf.data");
    const pids = service.group.pids().filter(isNode);
    const seen = await recordDuring(pids, file, () => work.run(service, seconds));
    const samples = await read(file, rolesOf(service));
    return { says: work.says, seen, plain: samples, named: samples };
  });
}

/** From the first instruction, twice: with names Node.js compiles anew what it brings compiled, and that is no start. */
async function recordStart(): Promise<Recording> {
  await withService({}, async () => {}); // what is compiled once, by the first start, is on disk then
  const once = (flags: readonly string[]) => {
    const fileIn = (folder: string) => join(folder, "perf.data");
    const how = { flags, under: (folder: string) => recorded(fileIn(folder)) };
    return withService(how, async (service) => {
      const roles = rolesOf(service);
      const seen = `${short(service.group.cpuSeconds() * 1000)} ms CPU, perf's own included`;
      await endOfPerf(service);
      return { seen, samples: await read(fileIn(service.folder), roles) };
    });
  };
  const plain = await once([]);
  const named = await once(startingFlags);
  return { says: starts["start"]!.says, seen: plain.seen, plain: plain.samples, named: named.samples };
}

/** perf ends, and takes what it has started with it. */
async function endOfPerf({ group }: Service): Promise<void> {
  const isPerf = (pid: number) => titleOf(pid).startsWith("perf");
  for (const pid of group.pids().filter(isPerf)) process.kill(pid, "SIGINT");
  for (let tries = 0; group.pids().some(isPerf) && tries < 1000; tries++) await pause(10);
}

const startedPrograms = 20;

/** qmail-smtpd as a process, again and again; and once more with names, as above. */
async function recordPrograms(): Promise<Recording> {
  const built = spawnSync(process.execPath, [join(root, "tools", "build.ts")]);
  if (built.status !== 0) throw new Error(built.stderr.toString());
  const plain = await recordProgram([]);
  const named = await recordProgram(startingFlags);
  return { says: starts["13"]!.says, seen: `${startedPrograms} starts`, plain, named };
}

async function recordProgram(flags: readonly string[]): Promise<Samples> {
  const folder = mkdtempSync(join(tmpdir(), "acceptutils-profile-"));
  try {
    const file = join(folder, "perf.data");
    const program = join(root, "build", "bin", "qmail-smtpd");
    const script = `for at in $(seq $1); do printf 'QUIT\\r\\n' | "$0" >/dev/null; done`;
    const run = (before: readonly string[], times: number, options: string) => {
      const words = pinned([...before, "/bin/sh", "-c", script, program, String(times)], "server");
      // V8 leaves a log where it is.
      const how = { cwd: folder, stdio: "ignore" } as const;
      withHome((env) =>
        spawnSync(words[0]!, words.slice(1), { ...how, env: { ...env, NODE_OPTIONS: options } }),
      );
    };
    run([], 2, "");
    run(recorded(file), startedPrograms, flags.join(" "));
    return await read(file, new Map());
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const rolesOf = ({ group }: Service) => new Map(group.pids().map((pid) => [pid, roleOf(pid)]));

/** Processes that have ended have the name of most of their samples: threads have names of their own. */
async function read(file: string, roles: ReadonlyMap<number, string>): Promise<Samples> {
  keepLatestNames(roles.keys());
  const samples: Sample[] = [];
  const names = new Map<number, Map<string, number>>();
  for await (const sample of samplesOf(file)) {
    const { pid, command } = sample;
    if (command.startsWith("perf")) continue;
    samples.push(sample);
    const counts = names.get(pid) ?? new Map<string, number>();
    names.set(pid, counts.set(command, (counts.get(command) ?? 0) + 1));
  }
  forgetNames(new Set([...names.keys(), ...roles.keys()]));
  const most = (pid: number) => [...(names.get(pid) ?? [])].sort(([, a], [, b]) => b - a)[0]?.[0] ?? "";
  const ended = new Map([...names.keys()].map((pid) => [pid, most(pid).replace(/^node-.*/, "node")]));
  return { samples, roleOf: ({ pid }: Sample) => roles.get(pid) ?? ended.get(pid) ?? "" };
}
