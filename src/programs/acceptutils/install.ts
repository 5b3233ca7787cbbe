import { thisInstallation } from "../../system/home/installation.ts";
import { writeLaunchers } from "../../system/launchers.ts";
import { programNames } from "../table.ts";
import { type Command, exit, onlyWord, parse, type Verb } from "./verb.ts";

/** Launchers for all programs, in a folder that the postmaster puts on PATH. */
export const install: Verb = {
  synopsis: "DIR [--json]",
  does: "Writes a launcher for each program into DIR, for PATH. Files of others are left alone.",
  run,
};

async function run(words: readonly string[], command: Command): Promise<number> {
  const { values, positionals } = parse({
    args: [...words],
    allowPositionals: true,
    options: { json: { type: "boolean" } },
  });
  const folder = command.path(onlyWord(positionals, "DIR"));
  const foreign = writeLaunchers(folder, programNames, await thisInstallation());
  if (values.json) {
    await command.json({ folder, programs: programNames, leftAlone: foreign });
  } else {
    await command.say(`${programNames.length - foreign.length} programs are in ${folder}`);
  }
  for (const path of foreign) command.note(`${path} is not ours: left alone`);
  return foreign.length === 0 ? exit.fine : exit.problem;
}
