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
    const command = await readCommand(system);
    return command === undefined ? exit.configuration : await system.exec(command);
  } catch (error) {
    if (error instanceof CannotOpen) return exit.configuration;
    if (error instanceof CannotRun) return exit.cannotRun;
    throw error;
  }
}

/** undefined: the file is named and missing. Mail that should be filtered must not pass because it is. */
async function readCommand(system: System): Promise<readonly string[] | undefined> {
  const path = system.env.get("QMAILQUEUEFILTERS");
  if (path === undefined) return commandOf([]);
  const bytes = path === "" ? undefined : await system.readFile(path);
  if (bytes === undefined) return undefined;
  let command = commands.get(bytes);
  if (command === undefined) {
    command = commandOf(listOf(Buffer.from(bytes).toString("latin1")));
    commands.set(bytes, command);
  }
  return command;
}

/** An unchanged file is the same object, and its command is made once. */
const commands = new WeakMap<Uint8Array, readonly string[]>();

function commandOf(filters: readonly string[]): readonly string[] {
  return ["bin/qmail-qfilter", ...filters.flatMap((filter, at) => (at === 0 ? [filter] : ["--", filter]))];
}
