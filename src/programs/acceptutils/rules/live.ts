/** `acceptutils rules record` and `shadow`: words in a run script, before `fixsmtpio`, which then does more. */
import { makeFolders } from "../../../system/make-folders.ts";
import { recordVariable, shadowVariable } from "../../fixsmtpio/settings.ts";
import { type Command, Misused, type Verb } from "../verb.ts";
import { goodRules } from "./files.ts";

export const record: Verb = {
  synopsis: "DIR PROG [ARG…]",
  does: "Runs a chain of programs; the fixsmtpio in it writes each session to DIR, without secrets and messages.",
  run: async (words, command) => {
    const [folder, ...prog] = words;
    if (folder === undefined) throw new Misused("DIR is missing");
    makeFolders(command.path(folder), 0o700);
    return runWith(recordVariable, command.path(folder), prog, command);
  },
};

export const shadow: Verb = {
  synopsis: "FILE PROG [ARG…]",
  does: "Runs a chain of programs; the fixsmtpio in it logs what the rules in FILE would change, and changes nothing.",
  run: async (words, command) => {
    const [file, ...prog] = words;
    if (file === undefined) throw new Misused("FILE is missing");
    await goodRules(file, command);
    return runWith(shadowVariable, command.path(file), prog, command);
  },
};

function runWith(variable: string, path: string, prog: readonly string[], command: Command): Promise<number> {
  if (prog.length === 0) throw new Misused("PROG is missing");
  command.system.env.set(variable, path);
  return command.system.exec(prog);
}
