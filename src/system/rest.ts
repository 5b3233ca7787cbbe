/**
 * A process that has nothing to do gives back what it needed when it was busy. V8 and malloc keep it otherwise, and a
 * mail server sleeps most of the time.
 */
import { trim } from "./c-library/trim.ts";

const lookMs = 5000;
/** Of CPU between two looks: less is idle. */
const idleMicros = 50_000;
/** So many looks in a row that found us idle: what is given back must be learnt anew, compiled code too. */
const looksIdle = 6;

/** Half a minute without work, and memory goes back to the system. Does not keep the process alive. */
export function restWhenIdle(): void {
  let before = process.cpuUsage();
  let idle = 0;
  setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    idle = user + system > idleMicros ? 0 : idle + 1;
    if (idle === looksIdle) giveBack();
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
