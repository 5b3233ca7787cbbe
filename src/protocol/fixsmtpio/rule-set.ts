import type { Rule } from "./rule.ts";

/** The rules for one event that apply now, and what they put in front of the request. */
export interface Applicable {
  readonly prefix: string;
  readonly rules: readonly Rule[];
}

/** No rule speaks of the event. */
export const nothing: Applicable = { prefix: "", rules: [] };

/** The rules that apply in one environment, by event. */
export interface InForce {
  /** The rules for `event`, in lower case; the last one's prefix comes leftmost. */
  applying(event: string): Applicable;
}

/** More different environments than this are not remembered. */
const maximumKept = 256;

/** The rules of a file, found by their event. Made once for a file, shared by all its sessions. */
export class RuleSet {
  readonly all: readonly Rule[];
  /** All that rules ask for. */
  readonly #variables: readonly string[];
  /** By those of the variables that exist. */
  readonly #kept = new Map<string, InForce>();

  constructor(rules: readonly Rule[]) {
    this.all = rules;
    this.#variables = [...new Set(rules.map(({ env }) => env))].filter((env) => env !== "");
  }

  /** The rules whose variable exists. */
  where(has: (variable: string) => boolean): InForce {
    let key = "";
    for (const name of this.#variables) if (has(name)) key += `${name}\0`;
    let kept = this.#kept.get(key);
    if (kept === undefined) {
      const names = new Set(["", ...key.split("\0")]);
      kept = inForce(this.all.filter(({ env }) => names.has(env)));
      if (this.#kept.size >= maximumKept) this.#kept.clear();
      this.#kept.set(key, kept);
    }
    return kept;
  }
}

function inForce(all: readonly Rule[]): InForce {
  const byEvent = new Map<string, Applicable>();
  for (const [event, rules] of Map.groupBy(all, (rule) => rule.event)) {
    byEvent.set(event, { rules, prefix: rules.reduce((front, { prepend }) => prepend + front, "") });
  }
  return { applying: (event) => byEvent.get(event) ?? nothing };
}
