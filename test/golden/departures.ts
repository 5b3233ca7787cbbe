/**
 * Where we answer otherwise than the originals did, on purpose: the reason, where it is written for users, and what
 * ours does instead, in full. A case that is not named here must be the same to the byte.
 */
import type { Case, Outcome } from "../runner/case.ts";

export interface Departure {
  /** Why, in a line or two. */
  readonly reason: string;
  /** Where it is documented: a section of docs/specifications.md or of a man page. */
  readonly see: string;
  /** What ours does: the given parts replace those of the recorded outcome. Gets the recorded one. */
  readonly ours: Partial<Outcome> | ((theirs: Outcome) => Partial<Outcome>);
}

/** Departures that are the same for many cases. The first that applies is taken; a named one goes before it. */
export interface Rule extends Departure {
  applies(played: Case, file: string): boolean;
}

export const rules: readonly Rule[] = [];

/** By FILE/NAME, for bugs.json by bugs/TOPIC/NAME. */
export const departures: Readonly<Record<string, Departure>> = {};
