import { askForgiveness, readPenalties } from "../../system/home/penalties.ts";
import { existingHome } from "./default-home.ts";
import { type Command, exit, Misused, onlyWord, parse, type Verb } from "./verb.ts";

/** The book of failed logins: who guessed, and how much of it still counts. */
export const penalty: Verb = {
  synopsis: "show | forgive ADDRESS|NAME  [--home DIR] [--json]",
  does: "Shows who failed to log in and waits for it, or lets an address or an account start afresh.",
  run,
};

const options = { home: { type: "string" }, json: { type: "boolean" } } as const;

async function run(words: readonly string[], command: Command): Promise<number> {
  const { values, positionals } = parse({ args: [...words], allowPositionals: true, options });
  const [deed = "", ...rest] = positionals;
  if (deed === "show") {
    if (rest[0] !== undefined) throw new Misused(`"${rest[0]}" is one word too many`);
    return show(existingHome(values.home, command), values.json === true, command);
  }
  if (deed !== "forgive") throw new Misused(deed === "" ? "show or forgive?" : `penalty ${deed}?`);
  const name = onlyWord(rest, "ADDRESS or NAME");
  askForgiveness(existingHome(values.home, command), name);
  if (values.json) await command.json({ forgiven: name });
  else await command.say(`${name} starts afresh, within a second where acceptutils runs.`);
  return exit.fine;
}

async function show(home: string, asJson: boolean, command: Command): Promise<number> {
  const entries = readPenalties(home);
  if (asJson) {
    await command.json({ entries });
    return exit.fine;
  }
  if (entries.length === 0) await command.say("Nobody failed to log in lately.");
  for (const { kind, name, score, at } of entries) {
    const when = new Date(at).toISOString().slice(0, 19).replace("T", " ");
    // A name is what a client sent: nothing of it may move the cursor.
    const shown = name.replace(/[\p{C}]/gu, "?");
    await command.say(`${score.toFixed(1).padStart(7)}  ${kind.padEnd(7)}  ${shown}  (as of ${when} UTC)`);
  }
  return exit.fine;
}
