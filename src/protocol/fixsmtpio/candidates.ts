/**
 * Which of many rules match a line. Only those whose glob begins as the line does can: the beginnings of all globs make
 * a tree, whose letters are followed as far as the line goes. Servers say few different things, and say them often: the
 * answer for a line is remembered, since a thousand globs that begin with a wildcard are a thousand looks.
 */
import type { Rule } from "./rule.ts";

interface Place {
  /** The rules, by their number, whose glob has no more letters before its first wildcard. */
  readonly rules: number[];
  readonly next: Map<number, Place>;
}

/** So few are looked at as fast as the tree. */
const few = 16;

/** More lines than this, and longer ones, are not remembered. */
const maximumRemembered = 64;
const longestRemembered = 512;

const remembered = new WeakMap<readonly Rule[], Map<string, readonly Rule[]>>();

/** The rules, in their order, whose glob matches `line`. */
export function matching(rules: readonly Rule[], line: string): readonly Rule[] {
  const look = () => candidates(rules, line).filter(({ glob }) => glob.matches(line));
  if (rules.length < few || line.length > longestRemembered) return look();
  let answers = remembered.get(rules);
  if (answers === undefined) {
    answers = new Map();
    remembered.set(rules, answers);
  }
  let answer = answers.get(line);
  if (answer === undefined) {
    answer = look();
    if (answers.size >= maximumRemembered) answers.clear();
    answers.set(line, answer);
  }
  return answer;
}

const trees = new WeakMap<readonly Rule[], Place>();

/** The rules, in their order, without those that cannot match `line`. */
export function candidates(rules: readonly Rule[], line: string): readonly Rule[] {
  if (rules.length < few) return rules;
  let place: Place | undefined = trees.get(rules);
  if (place === undefined) {
    place = treeOf(rules);
    trees.set(rules, place);
  }
  const found: number[] = [];
  for (let at = 0; place !== undefined; at++) {
    found.push(...place.rules);
    place = at < line.length ? place.next.get(line.charCodeAt(at)) : undefined;
  }
  return found.sort((a, b) => a - b).map((number) => rules[number]!);
}

function treeOf(rules: readonly Rule[]): Place {
  const root: Place = { rules: [], next: new Map() };
  for (const [number, { glob }] of rules.entries()) {
    let place = root;
    for (const letter of glob.prefix) {
      const code = letter.charCodeAt(0);
      let next = place.next.get(code);
      if (next === undefined) {
        next = { rules: [], next: new Map() };
        place.next.set(code, next);
      }
      place = next;
    }
    place.rules.push(number);
  }
  return root;
}
