/** What rules and departures are made of: changes of a recorded outcome. */
import type { Outcome, Run, Step } from "../../runner/case.ts";
import type { Departure } from "../departures.ts";

/** The outcome with each text that arrived changed by `change`, which is told the steps before it. */
export function changeReplies(
  { steps: theirs }: Outcome,
  change: (text: string, before: readonly Step[]) => string,
): Pick<Outcome, "steps"> {
  const steps: Step[] = [];
  for (const [at, step] of theirs.entries()) {
    if (!("expect" in step) || step.expect === "") {
      steps.push(step);
      continue;
    }
    const text = change(step.expect, steps);
    // Nothing, and then the end, is just the end.
    const next = theirs[at + 1];
    if (text !== "" || next === undefined || !("eof" in next)) steps.push({ expect: text });
  }
  return { steps };
}

/** The outcome with each run of a stand-in changed. */
export function changeRuns({ child_runs }: Outcome, change: (run: Run) => Run): Partial<Outcome> {
  return child_runs === undefined ? {} : { child_runs: child_runs.map(change) };
}

/** The same departure for several cases of a file; what ours does in each stands in departures.json. */
export function all(
  prefix: string,
  reason: string,
  see: string,
  ...names: readonly string[]
): Record<string, Departure> {
  return Object.fromEntries(names.map((name) => [`${prefix}/${name}`, { reason, see }]));
}
