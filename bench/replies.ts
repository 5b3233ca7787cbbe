/** Rules and reply lines of fixsmtpio that give it the most to do: micro.ts and fixsmtpio.ts measure with them. */
import { parseRules } from "../src/protocol/fixsmtpio/rule.ts";

const thousand = (glob: (at: number) => string) =>
  parseRules(Array.from({ length: 1000 }, (_, at) => `:ehlo::${glob(at)}::250 x`).join("\n")).rules;

/** 1,000 rules that begin differently. */
export const differentRules = thousand((at) => `250-FEATURE${at}*`);
/** 1,000 that begin with a wildcard: the beginning of a line rules none of them out. */
export const wildcardRules = thousand((at) => `*FEATURE${at}x*`);
/** No two of them begin alike: what is remembered of the last lines helps nobody. */
export const replies = Array.from({ length: 5000 }, (_, at) => [`250-${at * 7919}, and some words\r\n`]);
