import { type Deed, type Outcome, perform } from "./deeds.ts";
import { ffi } from "./memory.ts";

/** Seconds; then SIGALRM ends us. Nothing else could: the call does not come back to us. */
const patience = 30;

/** For a process that has nothing else to do: done here, and bounded in time. alarm(2) */
export function performAlone(deed: Deed, secret?: Uint8Array): Outcome {
  const { functions } = ffi().dlopen(null, { alarm: { arguments: ["uint32"], return: "uint32" } });
  functions.alarm(patience);
  try {
    return perform(deed, secret);
  } finally {
    functions.alarm(0);
  }
}
