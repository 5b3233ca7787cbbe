import assert from "node:assert/strict";
import { test } from "node:test";
import { settingsOf } from "../../../test/play-conversation.ts";
import { Conversation } from "./conversation.ts";
import { Recorder } from "./recorder.ts";
import { formatSession } from "./session-file.ts";

const secret = "c2VjcmV0IHBhc3N3b3Jk";

/** What is written of a session in which both sides say this, each piece after the other. */
function recorded(pieces: readonly (readonly ["C" | "S", string])[]): string {
  const settings = settingsOf({ level: "available" });
  const recorder = new Recorder(settings);
  const conversation = new Conversation(settings, recorder);
  for (const [who, text] of pieces) {
    const bytes = Buffer.from(text, "latin1");
    if (who === "C") conversation.fromClient(bytes);
    else conversation.fromServer(bytes);
    if (conversation.holds && conversation.hearsClient) conversation.resume();
  }
  conversation.clientEnded();
  return formatSession(recorder.session(0, 0));
}

for (const [name, pieces] of Object.entries<readonly (readonly ["C" | "S", string])[]>({
  "with the request": [
    ["C", `AUTH PLAIN ${secret}\r\n`],
    ["S", "235 ok\r\n"],
  ],
  "in small letters, after a tab": [
    ["C", `auth\tplain\t${secret}\r\n`],
    ["S", "500 what\r\n"],
  ],
  "after a blank": [
    ["C", `  AUTH PLAIN ${secret}\r\n`],
    ["S", "500 what\r\n"],
  ],
  "with a mechanism nobody knows": [
    ["C", `AUTH X-${secret} ${secret} ${secret}\n`],
    ["S", "504 no\r\n"],
  ],
  "after a challenge": [
    ["C", "AUTH LOGIN\r\n"],
    ["S", "334 VXNlcm5hbWU6\r\n"],
    ["C", `${secret}\r\n`],
    ["S", "334 UGFzc3dvcmQ6\r\n"],
    ["C", `${secret}\r\n`],
    ["S", "235 ok\r\n"],
  ],
  "before the challenge": [
    ["C", `AUTH LOGIN\r\n${secret}\r\n${secret}\r\n`],
    ["S", "334 a\r\n334 b\r\n535 no\r\n"],
  ],
  "in a line that comes in pieces": [
    ["C", `AUTH PLAIN ${secret.slice(0, 5)}`],
    ["C", secret.slice(5)],
    ["C", "\r\n"],
    ["S", "535 no\r\n"],
  ],
  "in a line that never ends": [["C", `AUTH PLAIN ${secret}`]],
  "where the server repeats it": [
    ["C", `AUTH PLAIN ${secret}\r\n`],
    ["S", `501 ${secret}: what?\r\n`],
  ],
  "where a server has no AUTH": [
    ["C", `AUTH LOGIN\r\n${secret}\r\n`],
    ["S", `502 no\r\n500 ${secret}\r\n`],
  ],
  "in TLS": [
    ["C", `STARTTLS\r\nAUTH PLAIN ${secret}\r\n`],
    ["S", "250 ok\r\n"],
  ],
  "in a message": [
    ["C", "DATA\r\n"],
    ["S", "354 go\r\n"],
    ["C", `${secret}\r\n.\r\n`],
    ["S", "250 ok\r\n"],
  ],
})) {
  test(`a secret ${name} is not recorded`, () => {
    const session = recorded([["S", "220 hi\r\n"], ...pieces]);
    assert.doesNotMatch(session, new RegExp(secret.slice(0, 5)), session);
  });
}

test("what follows AUTH in the same breath is recorded, and no secret", () => {
  const pipelined = ["C", `AUTH PLAIN ${secret}\r\nMAIL FROM:<a@b.example>\r\nQUIT\r\n`] as const;
  const session = recorded([["S", "220 hi\r\n"], pipelined]);
  assert.match(session, /^C: AUTH \*{8}$[\s\S]*^C: MAIL FROM:<a@b\.example>$[\s\S]*^C: QUIT$/m);
  assert.doesNotMatch(session, new RegExp(secret.slice(0, 5)));
});

test("a session without an end is not remembered without end", () => {
  const reply = ["S", `250 ${"x".repeat(60_000)}\r\n`] as const;
  const pieces = Array.from({ length: 200 }, () => [["C", "NOOP\r\n"] as const, reply]).flat();
  assert.ok(recorded([["S", "220 hi\r\n"], ...pieces]).length < 2_200_000);
});
