/** `npm run profile -- FIGURE` of what costs CPU: where our processes spend it, as flame graphs and by function. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../tools/steps.ts";
import { cpuSecondsOf, titleOf } from "../measure/processes.ts";
import type { Profile } from "./call.ts";
import { flameGraph } from "./flame-graph.ts";
import { inspectAll, inspectedFlags } from "./inspected.ts";
import { samplesPerSecond } from "./perf.ts";
import { recordingOf } from "./recording.ts";
import { resultFile } from "./result-file.ts";
import { withService } from "./service.ts";
import { profilesOf } from "./stack-tree.ts";
import { treeOf, type V8Profile } from "./v8-profile.ts";
import type { Work } from "./work.ts";

const seconds = 4;

/** Under load: what V8 knows, of processes that have been up for a while. */
export function flamesOfWork(work: Work): Promise<void> {
  return withService({ flags: inspectedFlags }, async (service) => {
    await work.warm(service);
    const inspectors = await inspectAll(service);
    const before = new Map([...inspectors.keys()].map((pid) => [pid, cpuSecondsOf([pid])]));
    for (const inspector of inspectors.values()) await inspector.startProfile();
    const seen = await work.run(service, seconds);
    const profiles: Profile[] = [];
    for (const [pid, inspector] of inspectors) {
      const cpu = cpuSecondsOf([pid]) - (before.get(pid) ?? 0);
      profiles.push({
        title: `${titleOf(pid)}: ${cpu.toFixed(2)} s CPU`,
        tree: treeOf(await inspector.stopProfile()),
      });
      inspector.close();
    }
    draw(work.name, `${work.says}, ${seen} while it was looked at`, profiles);
  });
}

/** A start: what perf sees, from the first instruction. */
export async function flamesOfStart(name: string): Promise<void> {
  const { says, seen, named } = await recordingOf(name);
  const profiles = profilesOf(named.samples, named.roleOf, 1e6 / samplesPerSecond);
  draw(name, `${says}, ${seen}; here with what names cost`, profiles);
}

/** bench/fixsmtpio.ts, which measures all of its figures, and the bare copies beside them, in one process. */
export function flamesOfFixsmtpio(name: string): void {
  const folder = mkdtempSync(join(tmpdir(), "acceptutils-profile-"));
  try {
    const flags = ["--expose-gc", "--disable-warning=ExperimentalWarning", "--cpu-prof"];
    const words = [...flags, "--cpu-prof-dir", folder, join(root, "bench", "fixsmtpio.ts")];
    spawnSync(process.execPath, words, { stdio: "inherit" });
    const profiles = readdirSync(folder).map((file): Profile => {
      const tree = treeOf(JSON.parse(readFileSync(join(folder, file), "utf8")) as V8Profile);
      return { title: `bench/fixsmtpio.ts: ${(tree.micros / 1e6).toFixed(2)} s`, tree };
    });
    draw(name, "all figures of bench/fixsmtpio.ts, copies included", profiles);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function draw(name: string, says: string, profiles: readonly Profile[]): void {
  const sorted = profiles.toSorted((a, b) => b.tree.micros - a.tree.micros);
  const file = resultFile(name, "svg");
  writeFileSync(file, flameGraph(`${name}: ${says}`, sorted));
  for (const { title, tree } of sorted) {
    console.log(`\n${title}`);
    for (const [place, micros] of tree.costliest(18))
      console.log(`  ${(micros / 1000).toFixed(0).padStart(7)} ms  ${place}`);
  }
  console.log(`\n${file}`);
}
