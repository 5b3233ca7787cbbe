/**
 * A process that has nothing to do gives back what it needed when it was busy. V8 and malloc keep it otherwise, and a
 * mail server sleeps most of the time.
 *
 * V8 itself collects garbage eight seconds after the last work, and what nobody holds then is thrown away together with
 * all code that was compiled for it: without a session there is none for sessions, and the next thousand cost twice as
 * much. So it is we who say when.
 */
import { trim } from "./c-library/trim.ts";

const lookMs = 5000;
/** Of CPU between two looks: less is idle. */
const idleMicros = 50_000;
/** So many looks in a row that found us idle are the least. */
const fewestLooks = 6;
const mostLooks = 120;
/** What is given back must be learnt anew, compiled code first: who has learnt for long waits for longer. */
const looksForEachSecond = 6;
/** Sockets and the like. With so many sessions waiting, memory counts; and all they need is held by one of them. */
const manyOpen = 100;
/** Less work leaves no garbage that is worth a tenth of a second in which nobody is served. */
const worthMicros = 200_000;

type Collect = (keep: "code" | "nothing") => void;

/** How many idle looks come before the rest of a process that has worked for `micros` since the last. */
const looksBefore = (micros: number) =>
  Math.min(mostLooks, Math.max(fewestLooks, Math.ceil((micros / 1e6) * looksForEachSecond)));

/**
 * Half a minute without work for each second of work before it, ten minutes at most, and memory goes back to the system;
 * where many sessions wait, the garbage of their coming goes with the first look that finds nothing to do. Does not keep
 * the process alive.
 */
export function restWhenIdle(collect: Collect = giveBack): void {
  setFlags("--memory-reducer-gc-count=0");
  let before = process.cpuUsage();
  let idle = 0;
  let learntMicros = 0;
  let uncollectedMicros = 0;
  let resting = false;
  setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    const spent = user + system;
    learntMicros += spent;
    uncollectedMicros += spent;
    idle = spent > idleMicros ? 0 : idle + 1;
    if (idle === 0) resting = false;
    const rests = !resting && idle >= looksBefore(learntMicros);
    if (!rests && !(idle === 1 && uncollectedMicros >= worthMicros && manyWait())) return;
    collect(rests ? "nothing" : "code");
    uncollectedMicros = 0;
    if (rests) {
      resting = true;
      learntMicros = 0;
    }
    before = process.cpuUsage();
  }, lookMs).unref();
}

const manyWait = () => process.getActiveResourcesInfo().length >= manyOpen;

const setFlags = (flags: string) => process.getBuiltinModule("node:v8").setFlagsFromString(flags);

let gc: ((how: object) => void) | undefined;

const giveBack: Collect = (keep) => {
  gc ??= collector();
  if (keep === "code") setFlags("--no-flush-bytecode");
  // As when memory runs out: only then do the young objects' spaces shrink, and the old ones' holes close.
  gc({ type: "major", execution: "sync", flavor: "last-resort" });
  setFlags("--flush-bytecode");
  trim();
};

/** V8's own garbage collection, without a flag that all children would inherit. */
function collector(): (how: object) => void {
  setFlags("--expose-gc");
  return process.getBuiltinModule("node:vm").runInNewContext("gc") as (how: object) => void;
}
