/**
 * `npm run profile -- FIGURE`: where our processes spend their time under the load of one figure, as flame graphs.
 * Writes bench/results/profile-FIGURE.svg, and prints what costs most. Node.js only lets a process be asked from
 * outside (SIGUSR1 opens its inspector), so nothing in the programs knows of this.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { figures } from "./figures.ts";
import { newGroup } from "./measure/group.ts";
import { cpuSecondsOf, isNode, titleOf } from "./measure/processes.ts";
import { endLoad, sampleOf } from "./measure/sample.ts";
import { startOurs } from "./peers/ours.ts";
import { flameGraph, type Profile, treeOf } from "./profile/flame-graph.ts";
import { Inspector } from "./profile/inspector.ts";
import { short } from "./report.ts";

const seconds = 4;
const [name] = process.argv.slice(2);
const figure = figures.find((one) => one.name === name);
if (figure === undefined) {
  console.error(`usage: npm run profile -- FIGURE    one of: ${figures.map((one) => one.name).join(", ")}`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "acceptutils-profile-"));
chmodSync(folder, 0o755);
// The signal would otherwise open the same port in each process.
process.env["NODE_OPTIONS"] = "--inspect-port=0";
const [group, helpers] = [newGroup(), newGroup()];
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => void clear().then(() => process.exit(130)));
}
try {
  const server = { ...(await startOurs({ folder, group, helpers }, ["--inspect-port=0"])), group };
  await sampleOf({ ...figure, clients: 1 }, server, 0.5);
  await sampleOf(figure, server, 1);
  const pids = group.pids().filter(isNode);
  const inspectors = new Map<number, Inspector>();
  for (const pid of pids) inspectors.set(pid, await inspect(pid));
  const before = new Map(pids.map((pid) => [pid, cpuSecondsOf([pid])]));
  for (const inspector of inspectors.values()) await inspector.start();
  const sample = await sampleOf(figure, server, seconds);
  const profiles: Profile[] = [];
  for (const [pid, inspector] of inspectors) {
    const cpu = cpuSecondsOf([pid]) - (before.get(pid) ?? 0);
    profiles.push({
      title: `${titleOf(pid)}: ${cpu.toFixed(2)} s CPU`,
      tree: treeOf(await inspector.stop()),
    });
  }
  profiles.sort((a, b) => b.tree.micros - a.tree.micros);
  const file = join(import.meta.dirname, "results", `profile-${figure.name.replaceAll(" ", "-")}.svg`);
  writeFileSync(
    file,
    flameGraph(
      `${figure.name}: ${figure.says}, ${short(sample.value)} ${figure.unit} while it was looked at`,
      profiles,
    ),
  );
  for (const { title, tree } of profiles) {
    console.log(`\n${title}`);
    for (const [place, micros] of tree.costliest(18))
      console.log(`  ${(micros / 1000).toFixed(0).padStart(7)} ms  ${place}`);
  }
  console.log(`\n${file}`);
} finally {
  await clear();
}

async function clear(): Promise<void> {
  endLoad();
  await Promise.all([group.end(), helpers.end()]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Opens the inspector of a process: it says in the log where it listens. */
async function inspect(pid: number): Promise<Inspector> {
  const log = () => [...readFileSync(join(folder, "log"), "latin1").matchAll(/listening on (ws:\S+)/g)];
  const known = log().length;
  process.kill(pid, "SIGUSR1");
  for (let tries = 0; tries < 200; tries++) {
    const found = log()[known]?.[1];
    if (found !== undefined) return Inspector.open(found);
    await pause(20);
  }
  throw new Error(`${titleOf(pid)} does not let itself be inspected`);
}
