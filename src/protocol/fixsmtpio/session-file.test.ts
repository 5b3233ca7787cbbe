import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { playSession } from "./player.ts";
import { parseRules } from "./rule.ts";
import { RuleSet } from "./rule-set.ts";
import { BadSession, formatSession, parseSession, type Session } from "./session-file.ts";
import { unescaped, visible } from "./visible.ts";

const written = `env AUTHUP_USER=alice
greeting mail.example.org
tls available

S: 220 child ESMTP
c: 235 ok, go ahead (#2.0.0)
C: NOOP
C: QUI\\
s: NOOP
(client ends)
(server ends 1)
(exit 0)
`;
const rules = new RuleSet(
  parseRules("AUTHUP_USER:greeting::2*::235 ok, go ahead (#2.0.0)\nAUTHUP_USER:clienteof::*:0:").rules,
);

test("a session file says what was said, and what is heard", () => {
  const session = parseSession(`# a comment\n${written}`);
  assert.deepEqual([...session.env], [["AUTHUP_USER", "alice"]]);
  assert.deepEqual(session.moments[1], {
    act: { do: "client says", text: "NOOP\r\nQUI" },
    serverHears: "NOOP\r\n",
    clientHears: "",
  });
  assert.equal(formatSession(session), written);
});

test("played by the rules it was made with, it is the same", () => {
  assert.equal(formatSession(playSession(parseSession(written), rules)), written);
});

test("TLS is part of a session", () => {
  const session = `greeting g
tls required

S: 220 a
c: 220 a
C: STARTTLS
s: NOOP fixsmtpio STARTTLS BEGIN STARTTLS
S: 250 ok
c: 220 Ready to start TLS (#5.7.0)
(TLS)
S: 220 b
C: RSET
s: RSET
S: 250 ok
c: 250 secure
`;
  const secure = new RuleSet(parseRules("FIXSMTPIOTLS:rset::*::250 secure").rules);
  assert.equal(formatSession(playSession(parseSession(session), secure)), session);
});

for (const [source, line] of [
  ["c: heard before anything was said", 1],
  ["\nnonsense", 2],
  ["tls perhaps", 1],
  ["env =x", 1],
  ["options -x", 1],
  ["options -s prog", 1],
  ["(exit x)", 1],
] as const) {
  test(`no session file: ${JSON.stringify(source)}`, () => {
    assert.throws(
      () => parseSession(source),
      (error) => error instanceof BadSession && error.line === line,
    );
  });
}

const bytes = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });

test("what is shown can be read back", () => {
  fc.assert(
    fc.property(bytes, (text) => {
      assert.match(visible(text), /^[ -~]*$/);
      assert.equal(unescaped(visible(text)), text);
    }),
  );
});

test("a session that was written is read back", () => {
  const said = bytes.filter((text) => text !== "");
  fc.assert(
    fc.property(fc.array(fc.tuple(said, bytes, bytes)), (all) => {
      const moments = all.map(([text, serverHears, clientHears], at) => ({
        act: { do: at % 2 === 0 ? ("client says" as const) : ("server says" as const), text },
        serverHears,
        clientHears,
      }));
      const options = { strictLineEnds: true, maximumRequests: 7 };
      const env = new Map<string, string>();
      const session: Session = { env, greeting: "g", tls: "available", options, moments, exitCode: 3 };
      assert.deepEqual(parseSession(formatSession(session)), session);
    }),
  );
});
