/** qmail-send: accepts messages from qmail-queue, keeps them, and has them delivered. qmail-send(8) */
import { masterGone } from "../../system/resident/master.ts";
import { CannotOpen, codeOf, type System } from "../../system/system.ts";
import { exit } from "./exit.ts";
import { ownAgents } from "./own-agents.ts";
import { agentsOfRoot, queueHalf, runRootHalf } from "./root-half.ts";

/** The half that is root does not load what the queue needs. */
const daemon = () => import("./daemon.ts");

/** Runs until SIGTERM. Returns 0 then, 111 when it cannot start or the part that has the queue has died. */
export async function main([argument]: readonly string[], system: System): Promise<number> {
  try {
    system.chdir(system.home());
    if (argument === queueHalf) {
      const { agents, over } = agentsOfRoot();
      return await (await daemon()).serveQueue(system, agents, over);
    }
    // The queue is for the next one then.
    const gone = masterGone(system.env);
    if (system.uids().effective === 0) return await runRootHalf(system, gone);
    return await (await daemon()).serveQueue(system, ownAgents(system), gone);
  } catch (error) {
    if (!(error instanceof CannotOpen) && codeOf(error) === "") throw error;
    system.log(`alert: cannot start: ${(error as Error).message}`);
    return exit.temporary;
  }
}
