/**
 * A process that has nothing to do gives back what it needed when it was busy. V8 and malloc keep it otherwise, and a
 * mail server sleeps most of the time.
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

/** How many idle looks come before the rest of a process that has worked for `micros` since the last. */
const looksBefore = (micros: number) =>
  Math.min(mostLooks, Math.max(fewestLooks, Math.ceil((micros / 1e6) * looksForEachSecond)));

/**
 * Half a minute without work for each second of work before it, ten minutes at most, and memory goes back to the system.
 * Does not keep the process alive.
 */
export function restWhenIdle(rest = giveBack): void {
  let before = process.cpuUsage();
  let idle = 0;
  let learntMicros = 0;
  let resting = false;
  setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    const spent = user + system;
    learntMicros += spent;
    idle = spent > idleMicros ? 0 : idle + 1;
    if (idle === 0) resting = false;
    if (resting || idle < looksBefore(learntMicros)) return;
    rest();
    resting = true;
    learntMicros = 0;
    before = process.cpuUsage();
  }, lookMs).unref();
}

let collect: (() => void) | undefined;

function giveBack(): void {
  collect ??= collector();
  collect();
  trim();
}

/** V8's own garbage collection, without a flag that all children would inherit. */
function collector(): () => void {
  process.getBuiltinModule("node:v8").setFlagsFromString("--expose-gc");
  const gc = process.getBuiltinModule("node:vm").runInNewContext("gc") as (how: object) => void;
  // As when memory runs out: only then do the young objects' spaces shrink, and the old ones' holes close.
  return () => gc({ type: "major", execution: "sync", flavor: "last-resort" });
}
