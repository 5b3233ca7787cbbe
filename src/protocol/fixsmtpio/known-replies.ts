/**
 * What rules made of a reply, remembered: servers say few different things, to every client again. The greeting, the
 * offers of EHLO and the goodbye are the same a thousand times a second.
 */
import { linesOf, type Reply, textOf } from "./reply.ts";
import { type Rewritten, rewriteReply, type Surroundings } from "./rewrite.ts";
import type { Rule } from "./rule.ts";

/** More replies than this, and longer ones, are not remembered. */
const maximumRemembered = 64;
const longestRemembered = 1024;

const remembered = new WeakMap<readonly Rule[], Map<string, Rewritten>>();

/** rewriteReply() for one who does not look on. */
export function rewriteAgain(
  event: string,
  reply: Reply,
  rules: readonly Rule[],
  surroundings: Surroundings,
): Rewritten {
  if (reply.end - reply.start > longestRemembered) {
    return rewriteReply(event, linesOf(reply), rules, surroundings);
  }
  let answers = remembered.get(rules);
  if (answers === undefined) {
    answers = new Map();
    remembered.set(rules, answers);
  }
  const { greeting, offersStartTls, hidesExtensions, offersChunking } = surroundings;
  const flags = (offersStartTls ? 1 : 0) + (hidesExtensions ? 2 : 0) + (offersChunking ? 4 : 0);
  const key = `${event}\0${greeting}\0${flags}${textOf(reply)}`;
  let answer = answers.get(key);
  if (answer === undefined) {
    answer = rewriteReply(event, linesOf(reply), rules, surroundings);
    if (answers.size >= maximumRemembered) answers.clear();
    answers.set(key, answer);
  }
  return answer;
}
