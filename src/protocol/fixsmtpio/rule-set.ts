import type { Rule } from "./rule.ts";

/** The rules for one event that apply now, and what they put in front of the request. */
export interface Applicable {
  readonly prefix: string;
  readonly rules: readonly Rule[];
}

/** No rule speaks of the event. */
export const nothing: Applicable = { prefix: "", rules: [] };

/** The rules of a file, found by their event. Made once for a file, shared by all its sessions. */
export class RuleSet {
  readonly all: readonly Rule[];
  readonly #byEvent: ReadonlyMap<string, readonly Rule[]>;

  constructor(rules: readonly Rule[]) {
    this.all = rules;
    this.#byEvent = Map.groupBy(rules, ({ event }) => event);
  }

  /** The rules for `event`, in lower case, whose variable exists; the last one's prefix comes leftmost. */
  applying(event: string, has: (variable: string) => boolean): Applicable {
    const all = this.#byEvent.get(event);
    if (all === undefined) return nothing;
    const rules = all.filter(({ env }) => env === "" || has(env));
    return { prefix: rules.reduce((prefix, { prepend }) => prepend + prefix, ""), rules };
  }
}
