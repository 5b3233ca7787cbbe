/**
 * `npm run profile`: what a figure of `npm run bench` is made of.
 *
 *     npm run profile -- FIGURE              flame graphs of our processes: bench/results/profile-FIGURE.svg, and what
 *                                            costs most; of memory, whose it is: bench/results/profile-FIGURE.md
 *     npm run profile -- --shares            all figures by kind of work, process and function: bench/results/shares.md
 *     npm run profile -- --shares 1,start    these anew; the others stay as they are
 *
 * Nothing in the programs knows of this: Node.js opens its inspector when it gets SIGUSR1, and perf(1) looks from outside.
 * Starts and shares need perf.
 */
import { parseArgs } from "node:util";
import { noCompiler } from "./contender/compile.ts";
import { heldFigures } from "./measure/held.ts";
import { flamesOfFixsmtpio, flamesOfStart, flamesOfWork } from "./profile/flames.ts";
import { memoryOfHeld, memoryOfIdle } from "./profile/memory.ts";
import { whyNoPerf } from "./profile/perf.ts";
import { recordable, recordingOf } from "./profile/recording.ts";
import { costliest, divide } from "./profile/shares.ts";
import { keepShares, sharesFile } from "./profile/shares-table.ts";
import { ourFunctionIn } from "./profile/sources.ts";
import { works } from "./profile/work.ts";

const starts = ["start", "13"];
const fixsmtpio = ["ratio", "rules", "memory", "growth"].map((what) => `fixsmtpio ${what}`);
const names = [...recordable, ...heldFigures.map(({ name }) => name), "14", ...fixsmtpio];

const { values, positionals } = parseArgs({
  options: { shares: { type: "boolean", default: false } },
  allowPositionals: true,
});
if (values.shares) {
  const wanted = positionals.length === 0 ? recordable : positionals.join(" ").split(",");
  for (const name of wanted) if (!recordable.includes(name)) misused(`no shares of ${name}`);
  needPerf();
  needLoad();
  for (const name of wanted) await shares(name);
  console.log(sharesFile);
} else await profile(positionals.join(" "));

async function profile(name: string): Promise<void> {
  const work = works.find((one) => one.name === name);
  const held = heldFigures.find((one) => one.name === name);
  if (work !== undefined || held !== undefined) needLoad();
  if (work !== undefined) return flamesOfWork(work);
  if (held !== undefined) return memoryOfHeld(held);
  if (name === "14") return memoryOfIdle(name);
  if (fixsmtpio.includes(name)) return flamesOfFixsmtpio(name);
  if (!starts.includes(name)) misused(name === "" ? "which figure?" : `no figure ${name}`);
  needPerf();
  return flamesOfStart(name);
}

async function shares(name: string): Promise<void> {
  const { says, seen, plain, named } = await recordingOf(name);
  const found = { ...divide(plain), functions: costliest(named, ourFunctionIn) };
  if (found.samples === 0) throw new Error(`${name}: perf saw nothing`);
  keepShares(name, { says, seen, ...found });
  const [kind, percent] = Object.entries(found.kinds)[0]!;
  console.log(`${name}: ${found.samples} samples, ${seen}; first: ${kind}, ${percent} %`);
}

function needPerf(): void {
  need(whyNoPerf());
}

function needLoad(): void {
  const lacking = noCompiler();
  need(lacking && `the load generator ${lacking}`);
}

function need(missing: string | undefined): void {
  if (missing === undefined) return;
  console.error(`profile: ${missing}`);
  process.exit(1);
}

function misused(line: string): never {
  console.error(`profile: ${line}
usage: npm run profile -- FIGURE | --shares [FIGURE,…]    one of: ${names.join(", ")}`);
  process.exit(2);
}
