/** `acceptutils rules`: tools for the rules of fixsmtpio(8), with the engine that fixsmtpio itself uses. */
import { type Command, exit, Misused, type Verb } from "../verb.ts";
import { check } from "./check.ts";
import { explain } from "./explain.ts";
import { record, shadow } from "./live.ts";
import { replay, test } from "./sessions.ts";

const tools: ReadonlyMap<string, Verb> = new Map([
  ["check", check],
  ["explain", explain],
  ["test", test],
  ["record", record],
  ["replay", replay],
  ["shadow", shadow],
]);

export const rules: Verb = {
  synopsis: `${[...tools.keys()].join(" | ")} ...`,
  does: "Checks, explains, tests, records, replays and shadows the rules of control/fixsmtpio. acceptutils-rules(8)",
  helpsItself: true,
  run,
};

async function run(words: readonly string[], command: Command): Promise<number> {
  const [name = "", ...rest] = words;
  const tool = tools.get(name);
  if (tool === undefined) {
    throw new Misused(name === "" ? "what to do with the rules is missing" : `there is no "rules ${name}"`);
  }
  if (rest[0] === "--help" || rest[0] === "-h") {
    await command.say(`usage: acceptutils rules ${name} ${tool.synopsis}`);
    await command.say(tool.does);
    return exit.fine;
  }
  try {
    return await tool.run(rest, command);
  } catch (error) {
    if (!(error instanceof Misused)) throw error;
    command.note(error.message);
    command.note(`usage: acceptutils rules ${name} ${tool.synopsis}`);
    return exit.misused;
  }
}
