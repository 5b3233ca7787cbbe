import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, consider, type List, noOpinion, opinionOf } from "./decision.ts";

const refuse: List = { kind: "refuse", base: "rbl", forGood: false, closed: false };
const forGood: List = { ...refuse, forGood: true };
const accept: List = { kind: "accept", base: "ok", closed: false };
const closed = <Kind extends List>(list: Kind): Kind => ({ ...list, closed: true });
const listed: Answer = { records: ["listed, ", "see web"] };
const unlisted: Answer = { records: [] };
const trouble: Answer = "trouble";

for (const [name, lists, decision] of [
  ["no list", [], "none"],
  ["not listed", [[refuse, unlisted]], "none"],
  ["listed", [[refuse, listed]], { code: 451, text: "listed, see web" }],
  ["listed for good", [[forGood, listed]], { code: 553, text: "listed, see web" }],
  ["listed without a word", [[refuse, { records: [""] }]], "none"],
  [
    "vouched for first",
    [
      [accept, { records: ["127.0.0.2"] }],
      [refuse, listed],
    ],
    "accept",
  ],
  [
    "vouched for too late",
    [
      [refuse, listed],
      [accept, { records: ["127.0.0.2"] }],
    ],
    { code: 451, text: "listed, see web" },
  ],
  [
    "not vouched for",
    [
      [accept, unlisted],
      [forGood, listed],
    ],
    { code: 553, text: "listed, see web" },
  ],
  ["a list in trouble", [[refuse, trouble]], "none"],
  [
    "a list in trouble, closed",
    [[closed(refuse), trouble]],
    { code: 451, text: "temporary RBL lookup error" },
  ],
  [
    "a voucher in trouble",
    [
      [accept, trouble],
      [refuse, listed],
    ],
    "accept",
  ],
  [
    "after trouble nobody is refused for good",
    [
      [closed(accept), trouble],
      [forGood, listed],
    ],
    { code: 451, text: "listed, see web" },
  ],
] as [string, [List, Answer][], unknown][]) {
  test(name, () => {
    const opinion = lists.reduce((before, [list, answer]) => consider(before, list, answer), noOpinion);
    assert.deepEqual(opinion.decision, decision);
  });
}

for (const [variable, decision] of [
  [undefined, "none"],
  ["", "accept"],
  ["-", { code: 553, text: "" }],
  ["-for good", { code: 553, text: "for good" }],
  ["a\tb\x01c\xe9\n250 ok", { code: 451, text: "a?b?c??250 ok" }],
  ["m".repeat(300), { code: 451, text: "m".repeat(200) }],
] as const) {
  test(`RBLSMTPD=${JSON.stringify(variable?.slice(0, 20))}`, () =>
    assert.deepEqual(opinionOf(variable).decision, decision));
}
