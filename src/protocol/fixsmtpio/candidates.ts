/**
 * Which of many rules can match a line at all: those whose glob begins as the line does. The beginnings of all globs
 * make a tree, whose letters are followed as far as the line goes.
 */
import type { Rule } from "./rule.ts";

interface Place {
  /** The rules, by their number, whose glob has no more letters before its first wildcard. */
  readonly rules: number[];
  readonly next: Map<number, Place>;
}

/** So few are looked at as fast as the tree. */
const few = 16;

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
