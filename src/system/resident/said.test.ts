import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sessionVariable } from "./login-environment.ts";
import { Hearing, othersIn, type Said, Telling } from "./said.ts";

const heardBy = (hearing: Hearing, service: number, told: Parameters<Hearing["hear"]>[1]) => {
  const heard = hearing.hear(service, told);
  const env = new Map<string, string>();
  for (let at = 0; at < heard.whole.length; at += 2) env.set(heard.whole[at]!, heard.whole[at + 1]!);
  for (const [name, value] of othersIn(heard)) env.set(name, value);
  return [...env];
};

test("what a session says is heard, whatever others have said before", () => {
  const variables = fc.uniqueArray(
    fc.tuple(
      fc.constantFrom("PROTO", "TCPREMOTEIP", "SSL_CIPHER", "AUTHUP_USER"),
      fc.string({ maxLength: 3 }),
    ),
    { selector: ([name]) => name },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(70), variables)), (sessions) => {
      const [telling, hearing] = [new Telling(), new Hearing()];
      for (const [service, said] of sessions) {
        const told = JSON.parse(JSON.stringify(telling.tell(service, said.flat())));
        assert.deepEqual(heardBy(hearing, service, told), said);
      }
    }),
  );
});

test("what is the same each time is told once", () => {
  const telling = new Telling();
  const said: Said = ["SSL_SERVER_CERT", "a certificate", "TCPREMOTEPORT", "1"];
  assert.deepEqual(telling.tell(1, said), { env: said });
  assert.deepEqual(telling.tell(1, [...said.slice(0, 3), "2"]), { other: [3, "2"] });
  assert.deepEqual(telling.tell(2, said), { env: said });
});

for (const told of [{}, { other: [1, "x"] }, { other: "x" }, { env: "PATH" }, { env: [["PATH"], 7] }]) {
  test(`${JSON.stringify(told)}, from whoever was taken over, names no variable`, () => {
    for (const [name] of heardBy(new Hearing(), 1, told)) assert.doesNotMatch(name, sessionVariable);
  });
}
