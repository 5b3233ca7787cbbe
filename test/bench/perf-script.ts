/** What perf-script(1) prints, for tests. */
import { type Sample, samplesIn } from "../../bench/profile/samples.ts";

export const node = "/usr/bin/node";
export const map = "/tmp/perf-7.map";
export const kernel = "[kernel.kallsyms]";
export const ours = "JS:*'#toClient /srv/build/acceptutils.parts:12:3";
export const theirs = "JS:+writeGeneric node:internal/stream_base_commons:142:22";

/** A stack as perf prints it, the innermost call first: names, and what they are of. */
export function script(
  command: string,
  pid: number,
  stack: readonly (readonly [symbol: string, object: string])[],
) {
  const lines = stack.map(([symbol, object]) => {
    const address = object === kernel ? "ffffffff8134beef" : "7fcc780c65d8";
    return `\t    ${address} ${symbol} (${object})`;
  });
  return [`${command}  ${pid} `, ...lines, ""];
}

export async function readAll(lines: readonly string[]): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of samplesIn(lines)) samples.push(sample);
  return samples;
}
