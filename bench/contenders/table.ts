import { bare } from "./bare.ts";
import type { Contender } from "./contender.ts";
import { ours } from "./ours.ts";

/** Everyone who is measured, in the order of the table's columns. */
export const contenders: readonly Contender[] = [ours, bare];
