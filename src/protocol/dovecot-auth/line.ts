/**
 * The lines of Dovecot's auth protocols: fields between tabs, each line ended by LF. In a field, NUL, \x01, tab, LF and
 * CR are \x01 and a digit or letter. Source: Dovecot, design: auth protocol; lib: strescape.
 */

const escapes: ReadonlyMap<string, string> = new Map([
  ["\0", "0"],
  ["\x01", "1"],
  ["\t", "t"],
  ["\r", "r"],
  ["\n", "n"],
]);
const meanings = new Map([...escapes].map(([octet, letter]) => [letter, octet]));

/** A field's text (latin1) as it can stand in a line. */
export const fieldOf = (text: string): string =>
  text.replace(/[\0\x01\t\r\n]/g, (octet) => `\x01${escapes.get(octet)}`);

/** The fields of a line without its LF. An escape that is none stands for what follows it. */
export const fieldsOf = (line: string): readonly string[] =>
  line
    .split("\t")
    .map((field) => field.replace(/\x01(.?)/gs, (_, letter: string) => meanings.get(letter) ?? letter));

/** The fields that are `name=value`, by name; one without `=` has an empty value. The first of a name counts. */
export function parametersOf(fields: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const field of fields) {
    const at = field.indexOf("=");
    const name = at < 0 ? field : field.slice(0, at);
    if (!found.has(name)) found.set(name, at < 0 ? "" : field.slice(at + 1));
  }
  return found;
}

/** No line is longer: of Dovecot's own, 8 KiB. */
export const longestLine = 8192;

/** Takes bytes as they come, gives lines. */
export class LineCutter {
  #rest = "";

  /** The whole lines that there are now, as latin1 without LF; undefined when one is too long. */
  push(bytes: Uint8Array): readonly string[] | undefined {
    const lines = (this.#rest + Buffer.from(bytes).toString("latin1")).split("\n");
    this.#rest = lines.pop() ?? "";
    return [this.#rest, ...lines].some((line) => line.length > longestLine) ? undefined : lines;
  }
}
