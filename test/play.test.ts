import assert from "node:assert/strict";
import { test } from "node:test";
import type { Program, System } from "../src/system/system.ts";
import { cuts, play } from "./play.ts";

/** Says each line back, starts TLS when asked to, and leaves at QUIT. */
const echo: Program = async (_args, system: System) => {
  const say = (line: string) => system.output(1).write(Buffer.from(line + "\r\n", "latin1"));
  system.log("echo 7 begins");
  await say("hello");
  let pending = "";
  for (;;) {
    const chunk = await system.input(0).read();
    if (chunk === null) return 3;
    const lines = (pending + Buffer.from(chunk).toString("latin1")).split("\r\n");
    pending = lines.pop() ?? "";
    for (const line of lines) {
      await say(line);
      if (line === "QUIT") return 0;
      if (line !== "TLS") continue;
      pending = "";
      await say((await system.startTls(1)).get("SSL_PROTOCOL") ?? "");
    }
  }
};

const scene = { programs: { echo }, argv: ["echo"] };

test("a dialogue is played to its end in every cut", async () => {
  const dialogue = `
    S: hello
    C: one
    C: two
    S: one
    S: two
    C: TLS
    S: TLS
    (TLS)
    S: TLSv1.3
    C: QUIT
    S: QUIT`;
  await play(dialogue, { ...scene, exit: 0, log: ["echo <PID> begins"] });
});

test("a client that leaves is a dialogue too", async () => {
  await play("S: hello\nC: half\\\n(EOF)\n(END)", { ...scene, exit: 3 });
});

test("another answer than the expected one is shown as a transcript", async () => {
  await assert.rejects(play("S: hello\nC: a\nS: b", scene), {
    name: "AssertionError",
    actual: "S: hello\nC: a\nS: a\n",
    expected: "S: hello\nC: a\nS: b\n",
  });
});

test("what the program says unasked is not overlooked", async () => {
  await assert.rejects(play("S: hello\nC: a", scene), { name: "AssertionError" });
});

test("the same bytes come whole, in two at every point, and one by one", () => {
  const shown = [...cuts(Buffer.from("abc"))].map((pieces) => pieces.map(String));
  assert.deepEqual(shown, [["abc"], ["a", "bc"], ["ab", "c"], ["a", "b", "c"]]);
});
