/**
 * Which of many rules can match a line at all: those whose glob begins as the line does. Servers say the same few
 * lines again and again, so the answer is remembered by how a line begins.
 */
import type { Rule } from "./rule.ts";

const keyOctets = 24;
const maximumKept = 256;
/** So few are looked at as fast as an answer is found. */
const few = 16;

const known = new WeakMap<readonly Rule[], Map<string, readonly Rule[]>>();

/** The rules, in their order, without those that cannot match `line`. */
export function candidates(rules: readonly Rule[], line: string): readonly Rule[] {
  if (rules.length < few) return rules;
  let kept = known.get(rules);
  if (kept === undefined) {
    kept = new Map();
    known.set(rules, kept);
  }
  const key = line.slice(0, keyOctets);
  let found = kept.get(key);
  if (found === undefined) {
    const whole = line.length <= keyOctets;
    found = rules.filter(
      ({ glob: { prefix } }) => key.startsWith(prefix) || (!whole && prefix.startsWith(key)),
    );
    if (kept.size >= maximumKept) kept.clear();
    kept.set(key, found);
  }
  return found;
}
