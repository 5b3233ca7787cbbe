import type { Contender } from "./contender.ts";
import { ours } from "./ours.ts";
import { bare, smtpServer } from "./scripts.ts";

/** Everyone who is measured, in the order of the table's columns. */
export const contenders: readonly Contender[] = [ours, smtpServer, bare];
