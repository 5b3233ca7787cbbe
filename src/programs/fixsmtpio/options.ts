/** The command line: `fixsmtpio [ -hs ] [ -l octets ] [ -n commands ] prog [ arg ... ]`, in the manner of getopt(3). */
import type { Options } from "../../protocol/fixsmtpio/settings.ts";

export interface CommandLine {
  readonly options: Options;
  readonly prog: readonly string[];
}

/** Takes the options from the words before prog; undefined when they are not understood, or prog is missing. */
export function readCommandLine(words: readonly string[]): CommandLine | undefined {
  const options: { -readonly [Name in keyof Options]: Options[Name] } = {};
  let at = 0;
  for (; words[at]?.startsWith("-") && words[at] !== "-"; at++) {
    const word = words[at]!;
    if (word === "--") {
      at += 1;
      break;
    }
    for (let letter = 1; letter < word.length; letter++) {
      switch (word[letter]) {
        case "h":
          options.hidesExtensions = true;
          continue;
        case "s":
          options.strictLineEnds = true;
          continue;
        case "l":
        case "n": {
          const number = numberIn(word.slice(letter + 1) || (words[++at] ?? ""));
          if (number === undefined) return undefined;
          options[word[letter] === "l" ? "maximumRequestOctets" : "maximumRequests"] = number;
          break;
        }
        default:
          return undefined;
      }
      break; // the number was the rest of the word
    }
  }
  return at < words.length ? { options, prog: words.slice(at) } : undefined;
}

function numberIn(text: string): number | undefined {
  return /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : undefined;
}
