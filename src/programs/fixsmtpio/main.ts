import { readCommandLine } from "../../protocol/fixsmtpio/options.ts";
import { CannotRun, type System } from "../../system/system.ts";
import { Relay } from "./relay.ts";
import { BadRules, type Controls, readControls, rulesFile } from "./settings.ts";

const usage = "fixsmtpio: usage: fixsmtpio [ -bhs ] [ -l octets ] [ -n commands ] prog [ arg ... ]";

/** What fixsmtpio ends with when prog has no say in it. */
export const exit = { failed: 1, badRules: 18, cannotRun: 111 } as const;

/**
 * Runs prog, an SMTP server, and stands between it and the client: TLS, and the rules of control/fixsmtpio.
 * Returns the exit code a rule gave, else prog's own. fixsmtpio(8)
 */
export async function main(words: readonly string[], system: System): Promise<number> {
  const commandLine = readCommandLine(words);
  if (commandLine === undefined) return refuse(system, usage, exit.failed);
  const { options, prog } = commandLine;
  if (system.env.has("NOFIXSMTPIO")) return stepAside(prog, system);
  let controls: Controls;
  try {
    system.chdir(system.home());
    controls = await readControls(system);
  } catch (error) {
    if (!(error instanceof BadRules))
      return refuse(system, "fixsmtpio: unable to read controls", exit.failed);
    for (const { line, column, text } of error.problems) {
      system.log(`fixsmtpio: ${rulesFile}:${line}:${column}: ${text}`);
    }
    return refuse(system, `fixsmtpio: ${error.message}`, exit.badRules);
  }
  return new Relay(prog, system, controls, options).run();
}

async function stepAside(words: readonly string[], system: System): Promise<number> {
  try {
    return await system.exec(words);
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    return refuse(system, `fixsmtpio: ${error.message}`, exit.cannotRun);
  }
}

function refuse(system: System, line: string, code: number): number {
  system.log(line);
  return code;
}
