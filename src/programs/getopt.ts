/** Command lines as getopt(3) reads them: letters in a row, values in the same word or the next, `--` ends them. */

/** A wrong command line: what is wrong with it, when that can be said. */
export class Misused extends Error {
  override readonly name = "Misused";
}

/** One option as it was given; `value` is empty for a letter without one. A word of its own stands in place of a letter. */
export interface Given {
  readonly letter: string;
  readonly value: string;
}

/**
 * Splits `words` into options and the rest, which begins at the first word that is none. `letters` are those that are
 * known; one with a value is followed by a colon. `long` are words that are options too, in the same way. Throws Misused.
 */
export function getopt(
  words: readonly string[],
  letters: string,
  long: readonly string[] = [],
): { readonly given: readonly Given[]; readonly rest: readonly string[] } {
  const given: Given[] = [];
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at]!;
    if (word === "--") {
      at++;
      break;
    }
    if (!word.startsWith("-") || word === "-") break;
    if (long.includes(word)) {
      given.push({ letter: word, value: "" });
      continue;
    }
    if (long.includes(`${word}:`)) {
      const value = words[++at];
      if (value === undefined) throw new Misused(`option requires an argument -- ${word}`);
      given.push({ letter: word, value });
      continue;
    }
    for (let place = 1; place < word.length; place++) {
      const letter = word[place]!;
      if (letter === ":" || !letters.includes(letter)) throw new Misused(`illegal option -- ${letter}`);
      if (!letters.includes(`${letter}:`)) {
        given.push({ letter, value: "" });
        continue;
      }
      const rest = word.slice(place + 1);
      const value = rest === "" ? words[++at] : rest;
      if (value === undefined) throw new Misused(`option requires an argument -- ${letter}`);
      given.push({ letter, value });
      break;
    }
  }
  return { given, rest: words.slice(at) };
}

/** The value of an option that is a number of up to nine digits. Throws Misused. */
export function numberOf({ letter, value }: Given): number {
  const option = letter.startsWith("--") ? letter : `-${letter}`;
  if (!/^[0-9]{1,9}$/.test(value)) throw new Misused(`option ${option} needs a number, not "${value}"`);
  return Number(value);
}
