/** Samples of perf as trees of calls, one for each process. */
import { Call, type Profile } from "./call.ts";
import { kindOf } from "./kinds.ts";
import { type Frame, type Sample, scriptOf } from "./samples.ts";

/** The costliest process first. `micros`: what one sample stands for. */
export function profilesOf(
  samples: Iterable<Sample>,
  roleOf: (sample: Sample) => string,
  micros: number,
): Profile[] {
  const trees = new Map<string, Call>();
  for (const sample of samples) {
    if (kindOf(sample) === undefined) continue;
    const role = roleOf(sample);
    let call = trees.get(role) ?? new Call("all");
    trees.set(role, call);
    call.micros += micros;
    for (const frame of sample.stack.toReversed()) {
      call = call.callee(placeOf(frame));
      call.micros += micros;
    }
    call.own += micros;
  }
  return [...trees]
    .map(([role, tree]) => ({ title: `${role}: ${(tree.micros / 1e6).toFixed(2)} s CPU`, tree }))
    .sort((a, b) => b.tree.micros - a.tree.micros);
}

function placeOf(frame: Frame): string {
  const script = scriptOf(frame);
  if (script === undefined) return frame.symbol.replace(/<.*>/, "<…>"); // templates go on for lines
  return `${script.name || "(anonymous)"} ${script.file.replace(/.*\//, "")}:${script.line}`;
}
