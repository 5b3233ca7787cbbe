import type { Rule } from "./rule.ts";

/** The rules for one event that apply now, and what they put in front of the request. */
export interface Applicable {
  readonly prefix: string;
  readonly rules: readonly Rule[];
}

/** No rule speaks of the event. */
export const nothing: Applicable = { prefix: "", rules: [] };

/** More different environments than this are not remembered. */
const maximumKept = 256;

/** The rules of a file, found by their event. Made once for a file, shared by all its sessions. */
export class RuleSet {
  readonly all: readonly Rule[];
  readonly #byEvent: ReadonlyMap<string, readonly Rule[]>;
  /** By the event and those variables its rules ask for that exist. */
  readonly #kept = new Map<string, Applicable>();

  constructor(rules: readonly Rule[]) {
    this.all = rules;
    this.#byEvent = Map.groupBy(rules, ({ event }) => event);
  }

  /** The rules for `event`, in lower case, whose variable exists; the last one's prefix comes leftmost. */
  applying(event: string, has: (variable: string) => boolean): Applicable {
    const all = this.#byEvent.get(event);
    if (all === undefined) return nothing;
    const names = new Set(all.map(({ env }) => env).filter((env) => env !== "" && has(env)));
    const key = [event, ...names].join("\0");
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const rules = all.filter(({ env }) => env === "" || names.has(env));
    const prefix = rules.reduce((front, { prepend }) => prepend + front, "");
    if (this.#kept.size >= maximumKept) this.#kept.clear();
    this.#kept.set(key, { prefix, rules });
    return { prefix, rules };
  }
}
