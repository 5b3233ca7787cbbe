/**
 * Messages that no program but our own reads on its way into our own queue. All of them are in this process, so none needs a
 * file with the message in it, and nobody waits for its end: it goes into the queue while it comes.
 */
import { tlsLine } from "../../filters/addtlsheader.ts";
import type { Context } from "../../filters/stage.ts";
import type { System } from "../../system/system.ts";
import { exit as queueExit, queueMessage } from "../queue/main.ts";

/** Filters of ours that do no more than put a line on top: the line, with LF; undefined when there is none to put. */
const lines: ReadonlyMap<string, (context: Context) => string | undefined> = new Map([
  ["qmail-qfilter-addtlsheader", tlsLine],
]);

/** What the filters put on top of every message; undefined when one of them, or the queue program, has to be run for that. */
export function topOf(
  filters: readonly (readonly string[])[],
  queueProgram: string,
  system: System,
): string | undefined {
  let top = "";
  for (const [word] of filters) {
    const line = lines.get(system.ours(word!) ?? "");
    if (line === undefined) return undefined;
    top = (line({ env: system.env, now: system.now() }) ?? "") + top;
  }
  return system.ours(queueProgram) === "qmail-queue" ? top : undefined;
}

/** Queues the message with `top` before it. Returns the exit code of qmail-queue, or what to say of an envelope that is none. */
export async function passStraight(top: string, badEnvelope: number, system: System): Promise<number> {
  const code = await queueMessage(system, top);
  return code === queueExit.readError ? badEnvelope : code;
}
