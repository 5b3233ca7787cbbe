/**
 * Control files with more than one setting: a name and its value on each line. Empty lines and comments (#) are passed
 * over; blanks around name and value do not count.
 *
 *     url       ldaps://ldap.example
 *     base      ou=people,dc=example
 */

/** What is wrong, and where; line and column from 1. */
export interface Spot {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** How a value is read: its own parse() throws Wrong. */
export interface Kind<Value> {
  parse(text: string): Value;
  /** When the line is not there; without it, there must be one. */
  readonly otherwise?: { readonly value: Value };
}

/** A value that cannot be; the message says what it should be. `at`: octets from its start. */
export class Wrong extends Error {
  override readonly name = "Wrong";
  readonly at: number;
  constructor(text: string, at = 0) {
    super(text);
    this.at = at;
  }
}

/** A control file cannot be used. The message begins file:line:column. */
export class ControlError extends Error {
  override readonly name = "ControlError";
}

export type Kinds<Settings> = { readonly [Name in keyof Settings]: Kind<Settings[Name]> };

/** The settings of a file's text (latin1), or everything that is wrong with it. */
export function parseSettings<Settings>(
  text: string,
  kinds: Kinds<Settings>,
): { readonly settings: Settings } | { readonly spots: readonly Spot[] } {
  const spots: Spot[] = [];
  const known = new Map(Object.entries(kinds) as [string, Kind<unknown>][]);
  const found = new Map<string, unknown>();
  const lines = text.split("\n");
  for (const [index, raw] of lines.entries()) {
    const [, before = "", name = "", between = "", value = ""] =
      /^([ \t]*)([^ \t\r]*)([ \t]*)(.*?)[ \t\r]*$/s.exec(raw) ?? [];
    if (name === "" || name.startsWith("#")) continue;
    const line = index + 1;
    const column = before.length + 1;
    const kind = known.get(name);
    if (kind === undefined) {
      const names = [...known.keys()].join(", ");
      spots.push({ line, column, text: `there is no setting "${printable(name)}"; there are ${names}` });
    } else if (found.has(name)) {
      spots.push({ line, column, text: `${name} is set above` });
    } else {
      try {
        found.set(name, kind.parse(value));
      } catch (error) {
        if (!(error instanceof Wrong)) throw error;
        found.set(name, undefined);
        const at = column + name.length + between.length + error.at;
        spots.push({ line, column: at, text: `${name} wants ${error.message}` });
      }
    }
  }
  for (const [name, kind] of known) {
    if (found.has(name)) continue;
    if (kind.otherwise !== undefined) found.set(name, kind.otherwise.value);
    else spots.push({ line: lines.length, column: 1, text: `${name} is missing` });
  }
  return spots.length > 0 ? { spots } : { settings: Object.fromEntries(found) as Settings };
}

/** The settings of control/NAME, whose bytes are given; parsed once for the same bytes. Throws ControlError. */
export function settingsOf<Settings>(
  path: string,
  bytes: Uint8Array | undefined,
  kinds: Kinds<Settings>,
): Settings {
  const there = bytes === undefined ? undefined : (parsed.get(bytes) as Settings | undefined);
  if (there !== undefined) return there;
  const result = parseSettings(Buffer.from(bytes ?? []).toString("latin1"), kinds);
  if ("settings" in result) {
    if (bytes !== undefined) parsed.set(bytes, result.settings as object);
    return result.settings;
  }
  if (bytes === undefined) throw new ControlError(`${path} is missing`);
  const [{ line, column, text }] = result.spots as [Spot];
  throw new ControlError(`${path}:${line}:${column}: ${text}`);
}

const parsed = new WeakMap<Uint8Array, object>();

/** Text of one line, within which no control character is meant. */
export function text(otherwise?: string): Kind<string> {
  return kind((value) => {
    const control = value.search(/[\x00-\x1f\x7f]/);
    if (control >= 0) throw new Wrong("no control characters", control);
    if (value === "") throw new Wrong("a value after its name");
    return value;
  }, otherwise);
}

export function oneOf<Word extends string>(words: readonly Word[], otherwise?: Word): Kind<Word> {
  return kind((value) => {
    const word = words.find((each) => each === value);
    if (word === undefined) throw new Wrong(`${words.join(" or ")}, not "${printable(value)}"`);
    return word;
  }, otherwise);
}

export function number(least: number, most: number, otherwise?: number): Kind<number> {
  return kind((value) => {
    if (!/^\d{1,10}$/.test(value) || Number(value) < least || Number(value) > most)
      throw new Wrong(`a number from ${least} to ${most}, not "${printable(value)}"`);
    return Number(value);
  }, otherwise);
}

/** A setting that may be left out. */
export const optional = <Value>({ parse }: Kind<Value>): Kind<Value | undefined> => ({
  parse,
  otherwise: { value: undefined },
});

export const kind = <Value>(parse: (text: string) => Value, otherwise?: Value): Kind<Value> =>
  otherwise === undefined ? { parse } : { parse, otherwise: { value: otherwise } };

function printable(text: string): string {
  return text.slice(0, 60).replace(/[^\x20-\x7e]/g, "?");
}
