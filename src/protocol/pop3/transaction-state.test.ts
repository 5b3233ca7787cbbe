import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCommand } from "../smtp/command.ts";
import { fresh, type Maildrop, step, uniqueIdOf } from "./transaction-state.ts";

const maildrop: Maildrop = [
  { sizeOctets: 58, uniqueId: "1.1.mail" },
  { sizeOctets: 30, uniqueId: undefined },
  { sizeOctets: 87, uniqueId: "3.3.mail" },
];

/** Each `C:` line is followed by the response, or by what the shell is to do in brackets. */
function play(dialogue: string): void {
  let session = fresh;
  const lines = dialogue
    .trim()
    .split("\n")
    .map((line) => line.trim());
  for (let at = 0; at < lines.length; ) {
    const [next, action] = step(maildrop, session, parseCommand(lines[at++]!.slice(3)));
    session = next;
    const said =
      action.do === "say"
        ? action.text
            .trimEnd()
            .split("\r\n")
            .map((line) => `S: ${line.trimEnd()}`)
        : [action.do === "send" ? `(message ${action.index + 1}, ${action.bodyLines ?? "all"})` : "(update)"];
    assert.deepEqual(said, lines.slice(at, at + said.length));
    at += said.length;
  }
}

for (const [name, dialogue] of Object.entries({
  "a deleted message is counted no more": `
    C: STAT
    S: +OK 3 175
    C: DELE 2
    S: +OK
    C: STAT
    S: +OK 2 145
    C: LIST
    S: +OK
    S: 1 58
    S: 3 87
    S: .
    C: RETR 2
    S: -ERR already deleted
    C: LAST
    S: +OK 2
    C: RSET
    S: +OK
    C: LAST
    S: +OK 0
    C: LIST 2
    S: +OK 2 30`,
  "a name that is no unique-id is left out": `
    C: UIDL
    S: +OK
    S: 1 1.1.mail
    S: 3 3.3.mail
    S: .
    C: UIDL 2
    S: -ERR this message has no unique-id
    C: UIDL 3
    S: +OK 3 3.3.mail`,
  "RETR and TOP are one": `
    C: RETR 1
    (message 1, all)
    C: retr 1 2
    (message 1, 2)
    C: TOP 1 0
    (message 1, 0)
    C: TOP 1
    (message 1, all)
    C: TOP 1 x
    (message 1, all)`,
  "numbers that are none": `
    C: RETR 0
    S: -ERR messages are counted from 1
    C: RETR 4
    S: -ERR not that many messages
    C: DELE
    S: -ERR syntax error
    C: DELE -1
    S: -ERR syntax error
    C: LIST 99999999999999999999
    S: -ERR not that many messages`,
  "what is not known": `
    C: CAPA
    S: -ERR unimplemented
    C:
    S: -ERR unimplemented
    C: CONSTRUCTOR
    S: -ERR unimplemented
    C: QUIT
    (update)`,
})) {
  test(name, () => play(dialogue));
}

test("a refused command leaves the session as it was", () => {
  const verb = fc.constantFrom("STAT", "LIST", "UIDL", "DELE", "RETR", "TOP", "LAST", "NOOP", "USER", "");
  const argument = fc.oneof(fc.string({ maxLength: 8 }), fc.nat(5).map(String));
  fc.assert(
    fc.property(fc.array(fc.record({ verb, argument })), (commands) => {
      let session = fresh;
      for (const command of commands) {
        const [next, action] = step(maildrop, session, command);
        if (action.do === "say" && action.text.startsWith("-ERR")) assert.equal(next, session);
        session = next;
      }
    }),
  );
});

for (const [file, id] of [
  ["1.M2.mx:2,S", "1.M2.mx"],
  ["1.a b,S=12:2,", undefined],
  ["a".repeat(70), "a".repeat(70)],
  ["a".repeat(71), undefined],
  [":2,S", undefined],
  ["caf\xe9", undefined],
] as const) {
  test(`the file ${JSON.stringify(file)} has ${id === undefined ? "no unique-id" : "one"}`, () => {
    assert.equal(uniqueIdOf(file), id);
  });
}
