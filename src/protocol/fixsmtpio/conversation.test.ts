import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { playInEveryCut, type Scene, settingsOf } from "../../../test/play-conversation.ts";
import { rules as published } from "../../system/home/fixsmtpio-rules.ts";
import { Conversation } from "./conversation.ts";

const dialogues: Record<string, [Scene, string]> = {
  "replies meet the requests they answer, also pipelined": [
    { rules: ":noop::*::250 N\n:rset::*::250 R" },
    `S: 220 hi
     c: 220 hi
     C: NOOP
     C: RSET
     C: noop
     s: NOOP
     s: RSET
     s: noop
     S: 250 ok
     S: 250-ok
     S: 250 still
     S: 250 ok
     c: 250 N
     c: 250-R
     c: 250 R
     c: 250 N`,
  ],
  "a reply ends with the first line that announces no other": [
    { rules: ":noop::*::250 N\n:rset::*::250 R" },
    `S: 220 hi
     c: 220 hi
     C: NOOP
     C: RSET
     s: NOOP
     s: RSET
     S: 250
     S: 250 ok
     c: 250 N
     c: 250 R`,
  ],
  "a message is no business of the rules": [
    { rules: ":data:x:*::\n:noop:x:*::250 N\n:in_data::*::250 stored" },
    `S: 220 hi
     c: 220 hi
     C: NOOP
     s: xNOOP
     S: 250 ok
     c: 250 N
     C: DATA
     s: xDATA
     S: 354 go
     C: NOOP
     C: ..
     C: .
     C: NOOP
     s: NOOP
     s: ..
     s: .
     s: xNOOP
     S: 250 ok
     S: 250 ok
     c: 250 stored
     c: 250 N`,
  ],
  "content sent with DATA is content, when the server wants it": [
    { rules: ":noop::*::250 N\n:in_data::*::250 stored" },
    `S: 220 hi
     c: 220 hi
     C: DATA
     C: NOOP
     C: .
     C: NOOP
     s: DATA
     S: 354-go
     S: 354 ahead
     c: 354-go
     c: 354 ahead
     s: NOOP
     s: .
     s: NOOP
     S: 250 ok
     S: 250 ok
     c: 250 stored
     c: 250 N`,
  ],
  "and requests, when it does not": [
    { rules: ":noop::*::250 N" },
    `S: 220 hi
     c: 220 hi
     C: DATA
     C: NOOP
     s: DATA
     S: 451 no
     c: 451 no
     s: NOOP
     S: 250 ok
     c: 250 N`,
  ],
  "a dot after a bare LF ends no message, for no server": [
    {},
    `S: 220 hi
     c: 220 hi
     C: DATA
     s: DATA
     S: 354 go
     c: 354 go
     C: a\\n.\\nMAIL FROM:<x>\\n.
     C: .
     s: a\\n..\\nMAIL FROM:<x>\\n..
     s: .
     S: 250 ok
     c: 250 ok`,
  ],
  "a message without its end is not accepted": [
    { rules: published, env: ["AUTHUP_USER"] },
    `S: 220 hi
     c: 235 ok, go ahead (#2.0.0)
     C: DATA
     s: DATA
     S: 354 go
     c: 354 go
     C: hello
     s: hello
     (client ends)
     S: 250 ok
     (server ends)
     (exit 0)`,
  ],
  "a client cannot say what only we can see": [
    { rules: published, env: ["AUTHUP_USER"] },
    `S: 220 hi
     c: 235 ok, go ahead (#2.0.0)
     C: TIMEOUT
     C: CLIENTEOF
     s: TIMEOUT
     s: CLIENTEOF
     S: 502 no
     S: 502 no
     c: 502 no
     c: 502 no
     (exit as the server)`,
  ],
  "a reply that nobody asked for is the event timeout": [
    { rules: published, env: ["AUTHUP_USER"] },
    `S: 220 hi
     c: 235 ok, go ahead (#2.0.0)
     S: 451 timeout (#4.4.2)
     (exit 16, at once)`,
  ],
  "the reply of an exit code is the last": [
    { rules: published, env: ["AUTHUP_USER"] },
    `S: 421 busy
     S: 250 more
     c: 421 busy
     (exit 14, at once)
     C: NOOP`,
  ],
  "replies still owed reach a client that has said all": [
    { rules: published, env: ["AUTHUP_USER"] },
    `S: 220 hi
     c: 235 ok, go ahead (#2.0.0)
     C: NOOP
     C: QUIT
     s: NOOP
     s: QUIT
     (client ends)
     S: 250 ok
     S: 221 bye
     c: 250 ok
     c: 221 mail.example.org
     S: 451 last words
     (server ends)
     (exit 0)`,
  ],
  "the rules for clienteof see the request that was not finished": [
    { rules: ":clienteof::MAI:7:" },
    `S: 220 hi
     c: 220 hi
     C: MAI\\
     (client ends)
     (exit 7)`,
  ],
  "no more requests than allowed": [
    { options: { maximumRequests: 2 }, rules: published, env: ["AUTHUP_USER"] },
    `S: 220 hi
     c: 235 ok, go ahead (#2.0.0)
     C: NOOP
     C: NOOP
     C: NOOP
     s: NOOP
     s: NOOP
     S: 250 ok
     S: 250 ok
     c: 250 ok
     c: 250 ok
     c: 421 fixsmtpio: too many commands (#4.7.0)
     (exit 0, at once)`,
  ],
  "no longer lines than allowed": [
    { options: { maximumRequestOctets: 10 } },
    `S: 220 hi
     c: 220 hi
     C: NOOP 567
     C: NOOP 5678
     s: NOOP 567
     S: 250 ok
     c: 250 ok
     c: 500 fixsmtpio: line too long (#5.5.2)
     (exit as the server, at once)`,
  ],
  "what the server says last counts without its end": [
    { rules: ":noop::*two*::" },
    `S: 220 hi
     c: 220 hi
     C: NOOP
     s: NOOP
     S: 250-one
     S: 250-two
     S: 250-thr\\
     (server ends)
     c: 250-one
     c: 250 thr`,
  ],
};

for (const [name, [scene, dialogue]] of Object.entries(dialogues)) {
  test(name, () => playInEveryCut(dialogue, scene));
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("latin1");

test("without rules a server's bytes reach the client as they are", () => {
  const line = fc.string({
    unit: fc.constantFrom("2", "5", "0", "-", " ", "a", "\0", "\xff", "\r"),
    maxLength: 9,
  });
  fc.assert(
    fc.property(fc.array(line), fc.boolean(), fc.nat(200), (lines, cr, at) => {
      const stream = lines.map((each) => each + (cr ? "\r\n" : "\n")).join("");
      const conversation = new Conversation(settingsOf({}));
      const bytes = Buffer.from(stream, "latin1");
      const heard = [bytes.subarray(0, at), bytes.subarray(at)].map((chunk) =>
        text(conversation.fromServer(chunk).toClient),
      );
      heard.push(text(conversation.serverEnded().toClient));
      assert.equal(heard.join(""), stream);
    }),
  );
});

test("without rules and TLS a client's requests reach the server as they are", () => {
  const line = fc.string({ unit: fc.constantFrom("N", "O", " ", ".", "\r", "\xff", "\0"), maxLength: 9 });
  fc.assert(
    fc.property(fc.array(line), fc.nat(100), (lines, at) => {
      const stream = lines.map((each) => each + "\n").join("");
      const conversation = new Conversation(settingsOf({}));
      const bytes = Buffer.from(stream, "latin1");
      const heard = [bytes.subarray(0, at), bytes.subarray(at)].map((chunk) =>
        text(conversation.fromClient(chunk).toServer),
      );
      assert.equal(heard.join(""), stream);
    }),
  );
});

test("a line without end is refused, after the replies that are owed", () => {
  const conversation = new Conversation(settingsOf({}));
  const outcome = conversation.fromClient(Buffer.from("NOOP\r\n" + "x".repeat(70_000)));
  assert.deepEqual(
    [text(outcome.toServer), outcome.toClient, outcome.next],
    ["NOOP\r\n", undefined, undefined],
  );
  assert.equal(conversation.hearsClient, false);
  const last = conversation.fromServer(Buffer.from("220 hi\r\n250 ok\r\n"));
  assert.equal(text(last.toClient), "220 hi\r\n250 ok\r\n500 fixsmtpio: line too long (#5.5.2)\r\n");
  assert.deepEqual(last.next, { do: "stop", exitCode: undefined });
});

test("a server that never ends its reply is given up", () => {
  const conversation = new Conversation(settingsOf({}));
  assert.deepEqual(conversation.fromServer(Buffer.from("250-x\r\n".repeat(10_000))).next, { do: "giveUp" });
});

test("requests without replies are not remembered without end", () => {
  const conversation = new Conversation(settingsOf({}));
  const sent = text(conversation.fromClient(Buffer.from("\n".repeat(3000))).toServer);
  assert.ok(sent.length < 1001);
  assert.equal(conversation.hearsClient, false);
  conversation.fromServer(Buffer.from("220 hi\r\n".repeat(500)));
  assert.equal(conversation.holds && conversation.hearsClient, true);
  assert.equal(text(conversation.resume().toServer).length, 500);
});
