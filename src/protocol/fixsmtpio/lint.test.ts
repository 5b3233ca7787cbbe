import assert from "node:assert/strict";
import { test } from "node:test";
import { rules as published } from "../../system/home/fixsmtpio-rules.ts";
import { lint, type Purpose } from "./lint.ts";
import { parseRules } from "./rule.ts";

const plain: Purpose = { behindAuthup: false, offersTls: false };

function found(text: string, purpose = plain): string[] {
  const { rules, problems } = parseRules(text);
  assert.deepEqual(problems, []);
  return lint(rules, purpose).map((finding) => `${finding.line} ${finding.level}: ${finding.text}`);
}

test("the published rules are fine, for both services", () => {
  assert.deepEqual(found(published, { behindAuthup: true, offersTls: true }), []);
});

test("each of the published rules that a service needs is missed", () => {
  const purpose = { behindAuthup: true, offersTls: true };
  const lines = published.split("\n").filter((line) => !line.startsWith("#") && line !== "");
  const missed = lines.filter(
    (line) => found(lines.filter((other) => other !== line).join("\n"), purpose).length > 0,
  );
  assert.deepEqual(
    missed.map((line) => lines.indexOf(line) + 1),
    [4, 8, 9, 10, 11, 12, 13, 14, 15],
  );
  const withoutAuth = lines.toSpliced(13, 1).join("\n");
  assert.deepEqual(found(withoutAuth, { ...purpose, hidesExtensions: true }), []);
});

for (const [rules, finding] of [
  [":flibbertigibbet::*::250 x", '1 warning: "flibbertigibbet" is no event of SMTP: this rule never fires'],
  [":noop ::*::250 x", '1 warning: "noop " is no event of SMTP: this rule never fires'],
  [":ehlo::250 AUTH::250 x", '1 error: "250 AUTH" matches no line: lines end with CR LF, write "250 AUTH*"'],
  [":clienteof::?*:5:", "1 warning: in most cases the glob of clienteof meets an empty line"],
  [":starttls::*::250 x", "1 warning: no rule sees the reply to STARTTLS: only the prepend counts"],
  ["AUTHUP_USER:mail::5*:1:&fixsmtpio_noop", "1 error: authup takes exit code 1 for a wrong password"],
  [":mail::5*:18:&fixsmtpio_noop", "1 warning: exit code 18 is fixsmtpio's own, for errors in this file"],
  [":vrfy:X:5*::550 x", '1 warning: "X" is glued to the request: it becomes XVRFY'],
  [":mail::5*::no code", '1 warning: "no code" is no line of a reply: it has no code'],
  [
    "AUTHUP_USER:mail::5*:16:&fixsmtpio_noop",
    "1 warning: authup takes exit code 16 for a server that lost its patience: that is the event timeout",
  ],
  [":rcpt::451 GL*::", "1 warning: a reply of one line is deleted whole: the client waits for ever"],
  [
    "AUTHUP_USER:greeting::2*::235 ok\nFIXSMTPIOTLS:greeting::2*::",
    "1 error: has to stand behind line 2, which else decides within TLS",
  ],
  [
    "FIXSMTPIOTLS:greeting::2*::\n:greeting::2*::&fixsmtpio_fixup",
    "1 error: has no effect on replies: line 2 decides the same lines, and the last rule wins",
  ],
  [":noop::2*::", "1 warning: the last line of the reply is deleted, too: the client waits for ever"],
  [
    ":data::354*::550 x",
    "1 warning: the server waits for a message while the client is told something else than 354",
  ],
  [":data::*::354 x", "1 error: the client is told 354 while the server takes what follows for commands"],
  [
    ":noop::250 ok*::250 a\n:noop::25*::250 b",
    "1 warning: has no effect on replies: line 2 decides the same lines",
  ],
  [
    "AUTHUP_USER:greeting::2*::235 ok\n:greeting::2*::&fixsmtpio_fixup",
    "1 error: has no effect on replies: line 2 decides the same lines, and the last rule wins",
  ],
] as const) {
  test(`odd: ${JSON.stringify(rules)}`, () => assert.deepEqual(found(rules), [finding]));
}

for (const rules of [
  ":noop::250 a*::250 b\nFOO:noop::25*::250 b", // only sometimes
  ":noop::2*:5:250 a\n:noop::2*::250 b", // its exit code still counts
  ":ehlo::2*::250 a\n:ehlo::2*::&fixsmtpio_fixup", // the fixup goes on from what it made
  ":data:NOOP :*::550 no",
  ":noop::2*:9:",
  ":quit::2*::",
  ":ehlo::250?SIZE*::",
]) {
  test(`fine: ${JSON.stringify(rules)}`, () => assert.deepEqual(found(rules), []));
}

test("variables that nothing sets", () => {
  const variables = new Set(["TCPREMOTEIP"]);
  assert.deepEqual(found("TCPREMOTEIP:noop::*::250 x\nFOO:rset::*::250 x", { ...plain, variables }), [
    "2 warning: nothing in the run script sets FOO: this rule never applies",
  ]);
});
