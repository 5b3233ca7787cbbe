/** qmail-send: accepts messages from qmail-queue, keeps them, and has them delivered. qmail-send(8) */
import type { System } from "../../system/system.ts";
import { serveQueue } from "./daemon.ts";
import { ownAgents } from "./own-agents.ts";

/** Runs until SIGTERM. Returns 0 then, 111 when it cannot start. */
export async function main(_args: readonly string[], system: System): Promise<number> {
  return serveQueue(system, ownAgents(system));
}
