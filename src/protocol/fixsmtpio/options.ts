/** The command line: `fixsmtpio [ -bhs ] [ -l octets ] [ -n commands ] prog [ arg ... ]`, in the manner of getopt(3). */
import type { Options } from "./settings.ts";

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
        case "b":
          options.offersChunking = true;
          continue;
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

/** The words that readCommandLine() reads as these options. */
export function formatOptions(options: Options): string {
  const { offersChunking, hidesExtensions, strictLineEnds } = options;
  const letters = `${offersChunking ? "b" : ""}${hidesExtensions ? "h" : ""}${strictLineEnds ? "s" : ""}`;
  const words = letters === "" ? [] : [`-${letters}`];
  if (options.maximumRequestOctets !== undefined) words.push(`-l ${options.maximumRequestOctets}`);
  if (options.maximumRequests !== undefined) words.push(`-n ${options.maximumRequests}`);
  return words.join(" ");
}

function numberIn(text: string): number | undefined {
  return /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : undefined;
}
