/**
 * Globs as fnmatch(3) reads them without flags in the C locale: `*`, `?`, `[a-z]`, `[!a-z]`, `\x`; a character is
 * one byte, and `*` also matches `/`, a leading `.` and line ends.
 *
 * A glob is cut at its stars into segments. The first and the last are anchored, each one between is looked for from
 * the left: no choice is ever taken back, so the time is at most the length of the line times that of the glob.
 */
export interface Glob {
  readonly source: string;
  matches(text: string): boolean;
  /** The literal text that everything it matches begins with. */
  readonly prefix: string;
  /** True when something that ends with `ending` can match. */
  canEndWith(ending: string): boolean;
}

/** What matches one character: the character itself, any, or one of a set. */
type One = number | "any" | ReadonlySet<number>;

/** The part of a glob between two stars. */
interface Segment {
  readonly length: number;
  /** True when `text` has this segment at `at`, which leaves room for it. */
  isAt(text: string, at: number): boolean;
  /** The first place from `from` on; -1 when there is none. */
  find(text: string, from: number): number;
  readonly prefix: string;
  /** True when a text with this segment at its end can end so; before the segment there can be more if `open`. */
  canEndWith(ending: string, open: boolean): boolean;
}

const backslash = 0x5c;
const bracket = 0x5b;

/** Reads a glob. Every text is one: what is not well formed matches as fnmatch(3) would have it, or nothing. */
export function compileGlob(source: string): Glob {
  const segments = segmentsOf(source);
  if (segments === undefined) return { source, prefix: "", matches: () => false, canEndWith: () => false };
  const first = segments[0]!;
  const last = segments.at(-1)!;
  const { prefix } = first;
  const canEndWith = (ending: string) => last.canEndWith(ending, segments.length > 1);
  const between = segments.slice(1, -1).filter(({ length }) => length > 0);
  if (segments.length === 1) {
    const matches = (text: string) => text.length === first.length && first.isAt(text, 0);
    return { source, prefix, canEndWith, matches };
  }
  const shortest = first.length + last.length;
  return {
    source,
    prefix,
    canEndWith,
    matches: (text) => {
      const end = text.length - last.length;
      if (text.length < shortest || !first.isAt(text, 0) || !last.isAt(text, end)) return false;
      let at = first.length;
      for (const segment of between) {
        const found = segment.find(text, at);
        if (found === -1) return false;
        at = found + segment.length;
      }
      return at <= end;
    },
  };
}

function segmentsOf(source: string): readonly Segment[] | undefined {
  const segments: Segment[] = [];
  let ones: One[] = [];
  for (let at = 0; at < source.length; at++) {
    const code = source.charCodeAt(at);
    switch (source[at]) {
      case "*":
        segments.push(segmentOf(ones));
        ones = [];
        break;
      case "?":
        ones.push("any");
        break;
      case "\\":
        at += 1;
        if (at === source.length) return undefined; // nothing left to be quoted: matches nothing
        ones.push(source.charCodeAt(at));
        break;
      case "[": {
        const set = readSet(source, at + 1);
        if (set === undefined)
          ones.push(code); // never closed: it stands for itself
        else {
          ones.push(set.members);
          at = set.end;
        }
        break;
      }
      default:
        ones.push(code);
    }
  }
  segments.push(segmentOf(ones));
  return segments;
}

function segmentOf(ones: readonly One[]): Segment {
  const { length } = ones;
  const known = ones.findIndex((one) => typeof one !== "number");
  const prefix = String.fromCharCode(...(ones.slice(0, known === -1 ? length : known) as number[]));
  const canEndWith = (ending: string, open: boolean) => {
    const both = Math.min(length, ending.length);
    const theirs = ending.slice(ending.length - both);
    return (
      (open || length >= ending.length) &&
      ones.slice(length - both).every((one, at) => fits(one, theirs.charCodeAt(at)))
    );
  };
  return { length, prefix, canEndWith, ...(known === -1 ? literal(prefix) : mixed(ones)) };
}

const fits = (one: One, code: number) =>
  one === "any" || (typeof one === "number" ? one === code : one.has(code));

function mixed(ones: readonly One[]): Pick<Segment, "isAt" | "find"> {
  const { length } = ones;
  const isAt = (text: string, at: number) => {
    for (let offset = 0; offset < length; offset++) {
      if (!fits(ones[offset]!, text.charCodeAt(at + offset))) return false;
    }
    return true;
  };
  // Where its last literal character is found, the rest may be, too.
  const known = ones.findLastIndex((one) => typeof one === "number");
  const step = known === -1 ? undefined : String.fromCharCode(ones[known] as number);
  const find = (text: string, from: number) => {
    for (let at = from; at + length <= text.length; at++) {
      if (step !== undefined) {
        const next = text.indexOf(step, at + known);
        if (next === -1) return -1;
        at = next - known;
        if (at + length > text.length) return -1;
      }
      if (isAt(text, at)) return at;
    }
    return -1;
  };
  return { isAt, find };
}

function literal(words: string): Pick<Segment, "isAt" | "find"> {
  const { length } = words;
  const last = words.charCodeAt(length - 1);
  return {
    // Most lines differ from most globs in this one character, and looking at it costs least.
    isAt: (text, at) =>
      length === 0 || (text.charCodeAt(at + length - 1) === last && text.startsWith(words, at)),
    find: (text, from) => text.indexOf(words, from),
  };
}

/** Reads a bracket expression whose `[` stands just before `start`. `end` is where its `]` is. */
function readSet(source: string, start: number): { members: ReadonlySet<number>; end: number } | undefined {
  const members = new Set<number>();
  const negated = source[start] === "!" || source[start] === "^";
  let at = negated ? start + 1 : start;
  for (const first = at; ; at++) {
    if (at >= source.length) return undefined;
    if (source[at] === "]" && at > first) break;
    const low = readMember(source, at);
    if (low === undefined) return undefined;
    at = low.end;
    if (source[at + 1] !== "-" || source[at + 2] === "]" || at + 2 >= source.length) {
      members.add(low.code);
      continue;
    }
    const high = readMember(source, at + 2);
    if (high === undefined) return undefined;
    at = high.end;
    for (let code = low.code; code <= high.code; code++) members.add(code);
  }
  return { members: negated ? complement(members) : members, end: at };
}

/** One character of a bracket expression: itself, quoted, or as `[.x.]` or `[=x=]`. `end` is its last place. */
function readMember(source: string, at: number): { code: number; end: number } | undefined {
  const code = source.charCodeAt(at);
  if (code === backslash) {
    return at + 1 < source.length ? { code: source.charCodeAt(at + 1), end: at + 1 } : undefined;
  }
  const mark = source[at + 1];
  if (code === bracket && (mark === "." || mark === "=") && source.startsWith(mark + "]", at + 3)) {
    return { code: source.charCodeAt(at + 2), end: at + 4 };
  }
  return { code, end: at };
}

function complement(members: ReadonlySet<number>): ReadonlySet<number> {
  return new Set(Array.from({ length: 256 }, (_, code) => code).filter((code) => !members.has(code)));
}
