import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { begin, maximumRefusals, parseCommand, step } from "./authorization-state.ts";
import { pop3 } from "./pop3.ts";
import type { Action, Dialect, News, Session, Settings } from "./session.ts";
import { smtp } from "./smtp.ts";

const settings: Settings = {
  greeting: "mx.example",
  capabilities: ["PIPELINING"],
  tls: "available",
  canStartTls: true,
  tries: 3,
  showAuthBeforeTls: false,
  brokenClients: false,
  client: "",
  stamp: "",
  showStamp: false,
  mechanisms: ["LOGIN", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"],
  channel: { binding: "", certificate: [] },
};

const line = (text: string, more = false): News => ({ on: "line", bytes: Buffer.from(text, "latin1"), more });
const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");
const replies = (actions: readonly Action[]) =>
  actions.flatMap((action) => (action.do === "reply" ? action.text.split("\r\n") : []));

/** The session after these lines, and the actions of the last. */
function after(dialect: Dialect, texts: readonly string[], change: Partial<Settings> = {}) {
  let [session, actions] = begin(dialect, { ...settings, ...change });
  for (const text of texts) [session, actions] = step(dialect, session, line(text));
  return { session, actions, replies: replies(actions) };
}

for (const [text, verb, argument] of [
  ["EHLO client.example", "EHLO", "client.example"],
  ["ehlo   client.example ", "EHLO", "client.example "],
  ["NOOP\0x", "NOOP", ""], // what C makes of it
  ["EHLO\0 c", "EHLO", ""],
  [" NOOP", "", "NOOP"],
  ["NOOP\t", "NOOP\t", ""],
  ["", "", ""],
  ["startTls", "STARTTLS", ""],
  ["x".repeat(9), "", ""], // no verb is so long; it may be a password
] as const) {
  test(`${JSON.stringify(text)} is a command`, () => {
    const command = parseCommand(Buffer.from(text, "latin1"));
    assert.deepEqual([command.verb, Buffer.from(command.argument).toString()], [verb, argument]);
  });
}

for (const [ended, says, code] of [
  [{ code: 1 }, "535 authup authorization failed (#5.7.0)", undefined],
  [{ code: 2 }, "535 authup authorization failed (#5.7.0)", undefined],
  [{ code: 111 }, "535 authup authorization failed (#5.7.0)", undefined],
  [{ code: 16 }, "451 authup timeout (#4.4.2)", 1],
  [{ code: 18 }, "421 authup unable to read controls (#4.3.0)", 1],
  [{ signal: "SIGSEGV" }, "454 authup aack, child crashed (#4.3.0)", 1],
  [{ busy: true }, "454 authup too many passwords to check (#4.7.0)", undefined],
  [{ malformed: true }, "501 authup malformed auth input (#5.5.4)", undefined],
  [{ unable: "fork" }, "454 authup unable to fork (#4.3.0)", 1],
  [{ code: 0 }, undefined, 0],
  [{ code: 14 }, undefined, 14],
  [{ code: 255 }, undefined, 255],
] as const) {
  test(`checkpassword ended with ${JSON.stringify(ended)}: ${says ?? "nothing more"}`, () => {
    const { session } = after(smtp, []);
    const [, actions] = step(smtp, session, { on: "checked", pid: 7, user: "alice", ended });
    assert.deepEqual(replies(actions), says === undefined ? [] : [says]);
    const hangUp = actions.find((action) => action.do === "hangUp");
    assert.equal(hangUp?.code, code);
  });
}

test("a failed login names the client, when it is known, in one line that cannot be forged", () => {
  const { session } = after(smtp, [], { client: "2001:db8::7" });
  const [, actions] = step(smtp, session, {
    on: "checked",
    pid: 7,
    user: "a\nb from 192.0.2.1",
    ended: { code: 1 },
  });
  const logged = actions.flatMap((action) => (action.do === "log" ? [action.words] : []));
  assert.deepEqual(logged, [
    "checkpassword 7 failed, 2 remaining",
    "failed login for a?b?from?192.0.2.1 from 2001:db8::7",
  ]);
});

test("a password that was not judged is no failed login of the client", () => {
  const { session } = after(smtp, [], { client: "192.0.2.7" });
  for (const code of [2, 111]) {
    const [, actions] = step(smtp, session, { on: "checked", pid: 7, user: "alice", ended: { code } });
    const logged = actions.flatMap((action) => (action.do === "log" ? [action.words] : []));
    assert.deepEqual(logged, ["checkpassword 7 failed, 2 remaining"]);
  }
});

test("a line that held a password is wiped", () => {
  const lines = [`AUTH PLAIN ${base64("\0alice\0secret")}`, "AUTH LOGIN x", "PASS secret"];
  for (const dialect of [smtp, pop3]) {
    for (const text of lines) {
      const bytes = Buffer.from(text);
      step(dialect, after(dialect, ["USER alice"]).session, { on: "line", bytes, more: false });
      assert.deepEqual(bytes, Buffer.alloc(bytes.length), `${text} was left in memory`);
    }
  }
});

test("an answer that was sent ahead of its question is refused with the password", () => {
  const { session } = after(smtp, []);
  const [, actions] = step(smtp, session, line(`AUTH PLAIN ${base64("\0alice\0secret")}`, true));
  assert.deepEqual(replies(actions), ["501 authup malformed auth input (#5.5.4)"]);
  const [, passed] = step(pop3, after(pop3, ["USER alice"]).session, line("PASS secret", true));
  assert.deepEqual(replies(passed), ["-ERR authup malformed auth input"]);
});

test("more than checkpassword takes counts as a failed try, without a child", () => {
  const {
    session,
    actions,
    replies: said,
  } = after(smtp, [`AUTH PLAIN ${base64(`\0alice\0${"p".repeat(600)}`)}`]);
  assert.deepEqual(said, ["535 authup authorization failed (#5.7.0)"]);
  assert.equal(session.triesLeft, settings.tries - 1);
  assert.ok(actions.every((action) => action.do !== "checkPassword"));
});

test("after twenty refused commands the next one is the last", () => {
  for (const [dialect, goodbye] of [
    [smtp, "421 authup too many bad commands (#4.7.0)"],
    [pop3, "-ERR authup too many bad commands"],
  ] as const) {
    const bad = Array<string>(maximumRefusals).fill("RSET");
    const before = after(dialect, [...bad, "NOOP"]);
    assert.ok(before.actions.every((action) => action.do !== "hangUp"));
    const [, actions] = step(dialect, before.session, line("RSET"));
    assert.deepEqual(
      actions.map((action) => action.do),
      ["reply", "hangUp"],
    );
    assert.deepEqual(replies(actions), [goodbye]);
  }
});

test("TLS forgets what was said in clear, except tries and refusals", () => {
  const inClear = after(pop3, ["USER alice", "FOO"]).session;
  const [secured] = step(pop3, inClear, { on: "secured", channel: { binding: "ab", certificate: [] } });
  assert.deepEqual(secured, {
    ...inClear,
    secure: true,
    channel: { binding: "ab", certificate: [] },
    user: undefined,
  });
  const inExchange = after(smtp, ["AUTH LOGIN"]).session;
  assert.equal(
    step(smtp, inExchange, { on: "secured", channel: { binding: "ab", certificate: [] } })[0].exchange,
    undefined,
  );
});

const words = [
  "EHLO",
  "HELO",
  "AUTH",
  "LOGIN",
  "PLAIN",
  "SCRAM-SHA-256",
  "STARTTLS",
  "STLS",
  "USER",
  "PASS",
  "alice",
  "CAPA",
  "NOOP",
  "*",
  "=",
];
const commands = fc.array(
  fc.oneof(
    fc.array(fc.constantFrom(...words), { maxLength: 3 }).map((parts) => parts.join(" ")),
    fc.constantFrom(
      base64("alice"),
      base64("secret"),
      base64("\0alice\0secret"),
      `AUTH PLAIN ${base64("\0a\0b")}`,
    ),
    fc.string({ maxLength: 8 }),
  ),
  { maxLength: 12 },
);
const change = fc.record({
  tls: fc.constantFrom("unavailable", "available", "required"),
  canStartTls: fc.boolean(),
} as const);

for (const [name, dialect] of [
  ["SMTP", smtp],
  ["POP3", pop3],
] as const) {
  test(`${name}: every command gets one final reply, and a refused one leaves the session as it was`, () => {
    fc.assert(
      fc.property(commands, change, fc.boolean(), (texts, changed, more) => {
        let [session] = begin(dialect, { ...settings, ...changed });
        for (const text of texts) {
          const before: Session = session;
          const [next, actions] = step(dialect, before, line(text, more));
          const final = replies(actions).filter((reply) => /^(?:\d\d\d |\+|-ERR)/.test(reply));
          const asks = actions.some(({ do: deed }) => ["checkPassword", "converse", "tell"].includes(deed));
          assert.equal(final.length, asks ? 0 : 1, `${JSON.stringify(text)}: ${final.join(" / ")}`);
          if (/^(?:5|-ERR)/.test(final[0] ?? "")) {
            // Only the count goes up, and an exchange that was refused is over.
            assert.deepEqual(next, { ...before, refusals: before.refusals + 1, exchange: undefined });
          }
          session = next;
        }
      }),
    );
  });

  test(`${name}: nothing asks for a password in clear where TLS is required`, () => {
    fc.assert(
      fc.property(commands, (texts) => {
        let [session] = begin(dialect, { ...settings, tls: "required" });
        for (const text of texts) {
          let actions: readonly Action[];
          [session, actions] = step(dialect, session, line(text));
          assert.ok(actions.every(({ do: deed }) => deed !== "checkPassword" && deed !== "converse"));
        }
      }),
    );
  });
}
