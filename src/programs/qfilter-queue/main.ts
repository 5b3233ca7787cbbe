import { listOf } from "../../control/control.ts";
import { CannotOpen, CannotRun, type System } from "../../system/system.ts";

/** Exit codes as qmail-queue's. */
export const exit = { configuration: 55, cannotRun: 71 } as const;

/**
 * Runs qmail-qfilter with the filters that the file of QMAILQUEUEFILTERS names, one a line, without arguments; with
 * none when the variable is not set. qmail-qfilter-queue(8)
 */
export async function main(_args: readonly string[], system: System): Promise<number> {
  try {
    const filters = await readFilters(system);
    if (filters === undefined) return exit.configuration;
    const words = filters.flatMap((filter, at) => (at === 0 ? [filter] : ["--", filter]));
    return await system.exec(["bin/qmail-qfilter", ...words]);
  } catch (error) {
    if (error instanceof CannotOpen) return exit.configuration;
    if (error instanceof CannotRun) return exit.cannotRun;
    throw error;
  }
}

/** undefined: the file is named and missing. Mail that should be filtered must not pass because it is. */
async function readFilters(system: System): Promise<readonly string[] | undefined> {
  const path = system.env.get("QMAILQUEUEFILTERS");
  if (path === undefined) return [];
  const bytes = path === "" ? undefined : await system.readFile(path);
  return bytes === undefined ? undefined : listOf(Buffer.from(bytes).toString("latin1"));
}
