import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rewriteAgain } from "./known-replies.ts";
import { linesOf, replyOf } from "./reply.ts";
import { rewriteReply } from "./rewrite.ts";
import { parseRules } from "./rule.ts";

const { rules } = parseRules(
  ":greeting::2*::&fixsmtpio_fixup\n:ehlo::2*::&fixsmtpio_fixup\n:quit::*:3:bye\n:ehlo::250?AUTH*::\n",
);
const none: typeof rules = [];

test("a reply that was seen before is what it would be anew, whatever else is different", () => {
  const event = fc.constantFrom("greeting", "ehlo", "quit");
  const text = fc.constantFrom(
    "220 a\r\n",
    "250-a\r\n250-AUTH X\r\n250 STARTTLS\r\n",
    "250 a\r\n",
    "221 b\r\n",
  );
  const surroundings = fc.record({
    greeting: fc.constantFrom("one", "two"),
    offersStartTls: fc.boolean(),
    hidesExtensions: fc.boolean(),
    offersChunking: fc.boolean(),
  });
  fc.assert(
    fc.property(event, text, surroundings, fc.boolean(), (event, text, surroundings, ruled) => {
      const those = ruled ? rules.filter((rule) => rule.event === event) : none;
      const applying = byEvent.get(`${ruled}${event}`) ?? those;
      byEvent.set(`${ruled}${event}`, applying);
      const reply = replyOf(text);
      assert.deepEqual(
        rewriteAgain(event, reply, applying, surroundings),
        rewriteReply(event, linesOf(reply), applying, surroundings),
      );
    }),
    { numRuns: 500 },
  );
});

/** The same rules are the same array, as a RuleSet gives them. */
const byEvent = new Map<string, typeof rules>();
