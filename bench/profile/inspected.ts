/** The inspectors of the processes of a service. Node.js opens one when it gets SIGUSR1, and says where in the log. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isNode, titleOf } from "../measure/processes.ts";
import { Inspector } from "./inspector.ts";
import type { Service } from "./service.ts";

/** For Node.js: the signal would otherwise open the same port in each process. */
export const inspectedFlags = ["--inspect-port=0"];

/** An inspector for each process of a service that was started with `inspectedFlags`. */
export async function inspectAll({ group, folder }: Service): Promise<Map<number, Inspector>> {
  const inspectors = new Map<number, Inspector>();
  for (const pid of group.pids().filter(isNode)) inspectors.set(pid, await inspect(pid, join(folder, "log")));
  return inspectors;
}

async function inspect(pid: number, log: string): Promise<Inspector> {
  const said = () => [...readFileSync(log, "latin1").matchAll(/listening on (ws:\S+)/g)];
  const known = said().length;
  process.kill(pid, "SIGUSR1");
  for (let tries = 0; tries < 200; tries++) {
    const found = said()[known]?.[1];
    if (found !== undefined) return Inspector.open(found);
    await pause(20);
  }
  throw new Error(`${titleOf(pid)} does not let itself be inspected`);
}
