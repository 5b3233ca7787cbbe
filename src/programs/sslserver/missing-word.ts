/** A word of a chain that nothing can be run for: better said when the server starts than to each client. */
import { lookUp } from "../../system/lookup.ts";
import { CannotRun } from "../../system/system.ts";
import { getopt, Misused } from "../getopt.ts";

/** Programs of ours that run the words after their own: their options, and how many words follow these. */
const ownWords: ReadonlyMap<string, { readonly letters: string; readonly words: number }> = new Map([
  ["rblsmtpd", { letters: "r:a:t:w:bBcCiW", words: 0 }],
  ["authup", { letters: "t:", words: 1 }],
  ["fixsmtpio", { letters: "bhsl:n:", words: 0 }],
  ["checknotroot", { letters: "", words: 0 }],
]);

/**
 * The first word that names no program, as far as the chain can be read: what stands behind a program of somebody
 * else's is that one's matter. `path` and `cwd` are those of the chain.
 */
export function missingWord(
  argv: readonly string[],
  path: string | undefined,
  cwd: string,
): CannotRun | undefined {
  try {
    for (let words = argv; words.length > 0; ) {
      const { ours = "" } = lookUp(words[0]!, path, cwd);
      const known = ours.startsWith("checkpassword") ? { letters: "", words: 0 } : ownWords.get(ours);
      if (known === undefined) return undefined;
      words = getopt(words.slice(1), known.letters).rest.slice(known.words);
    }
    return undefined;
  } catch (error) {
    if (error instanceof CannotRun) return error;
    if (error instanceof Misused) return undefined; // the program says so itself
    throw error;
  }
}
