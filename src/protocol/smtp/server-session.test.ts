import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Command, parseCommand } from "./command.ts";
import * as replies from "./replies.ts";
import {
  fresh,
  maximumBadCommands,
  maximumRecipients,
  recipientChecked,
  type Service,
  type Session,
  step,
} from "./server-session.ts";

const service: Service = {
  name: "mx.example",
  capabilities: ["PIPELINING", "8BITMIME"],
  help: "help yourself",
  maximumOctets: 0,
  sender: (address) => ({ address }),
  recipient: (address) => (address === "no@x" ? replies.noRelay : address),
  asksAboutRecipients: false,
};

/** Says the lines one after the other; what was answered, and the session afterwards. */
function converse(lines: readonly string[], options: Partial<Service> = {}, from = fresh) {
  let session: Session = from;
  const heard: string[] = [];
  for (const line of lines) {
    const [next, actions] = step(session, parseCommand(line), { ...service, ...options });
    session = next;
    for (const action of actions) heard.push(action.do === "reply" ? action.reply.wire : `(${action.do})`);
  }
  return { session, heard };
}

for (const [name, lines, ...heard] of [
  ["HELO", ["HELO x"], "250 mx.example\r\n"],
  ["EHLO", ["EHLO x"], "250-mx.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n"],
  ["a transaction", ["MAIL FROM:<a>", "RCPT TO:<b>", "DATA"], "250 ok\r\n", "250 ok\r\n", "(takeMessage)"],
  ["RCPT needs MAIL", ["RCPT TO:<a>"], "503 MAIL first (#5.5.1)\r\n"],
  ["DATA needs MAIL", ["DATA"], "503 MAIL first (#5.5.1)\r\n"],
  ["DATA needs RCPT", ["MAIL FROM:<a>", "DATA"], "250 ok\r\n", "503 RCPT first (#5.5.1)\r\n"],
  [
    "RSET forgets MAIL",
    ["MAIL FROM:<>", "RSET", "DATA"],
    "250 ok\r\n",
    "250 flushed\r\n",
    replies.mailFirst.wire,
  ],
  [
    "EHLO forgets MAIL",
    ["MAIL FROM:<>", "HELO x", "DATA"],
    "250 ok\r\n",
    "250 mx.example\r\n",
    replies.mailFirst.wire,
  ],
  [
    "MAIL forgets RCPT",
    ["MAIL x", "RCPT y", "MAIL x", "DATA"],
    "250 ok\r\n",
    "250 ok\r\n",
    "250 ok\r\n",
    replies.rcptFirst.wire,
  ],
  [
    "DATA ends the transaction",
    ["MAIL x", "RCPT y", "DATA", "DATA"],
    "250 ok\r\n",
    "250 ok\r\n",
    "(takeMessage)",
    replies.mailFirst.wire,
  ],
  [
    "a refused recipient is none",
    ["MAIL x", "RCPT <no@x>", "DATA"],
    "250 ok\r\n",
    replies.noRelay.wire,
    replies.rcptFirst.wire,
  ],
  ["HELP", ["HELP"], "214 help yourself\r\n"],
  ["QUIT", ["QUIT"], "221 mx.example\r\n", "(hangUp)"],
  [
    "no verb of ours",
    ["EXPN x", "constructor", ""],
    ...Array.from({ length: 3 }, () => replies.unknownVerb.wire),
  ],
] as [string, string[], ...string[]][]) {
  test(name, () => assert.deepEqual(converse(lines).heard, heard));
}

test("SIZE is said, and held to, where there is a limit", () => {
  const { heard } = converse(["EHLO x", "MAIL FROM:<a> SIZE=101", "MAIL FROM:<a> SIZE=100"], {
    maximumOctets: 100,
  });
  assert.deepEqual(heard, [
    "250-mx.example\r\n250-PIPELINING\r\n250-SIZE 100\r\n250 8BITMIME\r\n",
    replies.tooLarge.wire,
    replies.ok.wire,
  ]);
});

test("a recipient that must be asked about is in when nothing is said against it", () => {
  const { session, heard } = converse(["MAIL x", "RCPT <a>"], { asksAboutRecipients: true });
  assert.deepEqual(heard, [replies.ok.wire, "(askAbout)"]);
  assert.deepEqual(recipientChecked(session, "a", undefined)[0].transaction?.recipients, ["a"]);
  assert.deepEqual(recipientChecked(session, "a", replies.checkRefused)[0], session);
  assert.deepEqual(recipientChecked(session, "a", replies.checkUnable)[1].at(-1), {
    do: "hangUp",
    orderly: false,
  });
});

test("a transaction has no end of recipients only up to a point", () => {
  const lines = ["MAIL x", ...Array.from({ length: maximumRecipients + 1 }, () => "RCPT <a>")];
  const { session, heard } = converse(lines);
  assert.equal(heard.at(-2), replies.ok.wire);
  assert.equal(heard.at(-1), replies.tooManyRecipients.wire);
  assert.equal(session.transaction?.recipients.length, maximumRecipients);
});

test("who sends nothing but nonsense is hung up on", () => {
  const lines = Array.from({ length: maximumBadCommands + 1 }, (_, at) =>
    at % 2 === 0 ? "GET / HTTP/1.1" : "DATA",
  );
  const { heard } = converse(["RSET", ...lines]);
  assert.deepEqual(heard.slice(-3), [replies.mailFirst.wire, replies.tooManyBadCommands.wire, "(hangUp)"]);
});

test("a refused command leaves the transaction as it was; every command gets one final reply", () => {
  const line = fc.constantFrom(
    "HELO a",
    "EHLO b",
    "MAIL <a>",
    "RCPT <b>",
    "RCPT <no@x>",
    "DATA",
    "RSET",
    "NOOP",
    "X",
  );
  fc.assert(
    fc.property(fc.array(line), line, (before, last) => {
      const { session } = converse(before);
      const command: Command = parseCommand(last);
      const [after, actions] = step(session, command, service);
      const final = actions.filter((action) => action.do !== "hangUp");
      assert.equal(final.length, 1);
      const [action] = final;
      if (action?.do !== "reply" || action.reply.code < 400) return;
      assert.deepEqual(after.transaction, session.transaction);
    }),
  );
});
