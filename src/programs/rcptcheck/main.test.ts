import assert from "node:assert/strict";
import { test } from "node:test";
import { play, type Scene } from "../../../test/play.ts";
import type { Program } from "../../system/system.ts";
import { main as badrcptto } from "./badrcptto.ts";
import { main } from "./main.ts";

const asked: string[] = [];
const check =
  (exit: number): Program =>
  async (_, { env }) => {
    asked.push(`${exit} ${env.get("SENDER")} ${env.get("RECIPIENT")}`);
    return exit;
  };

const scene: Scene = {
  programs: { "qmail-rcptcheck": main, none: check(0), some: check(1), no: check(100), unsure: check(111) },
  argv: ["qmail-rcptcheck"],
  env: { SENDER: "a@b", RECIPIENT: "c@d" },
  log: ["qmail-rcptcheck: from a@b to c@d"],
};
const checks = (...names: string[]) => ({
  "control/rcptchecks": ["# those who know", ...names.map((name) => `.path/${name}`), ""].join("\n"),
});

for (const [name, files, exit, ...runs] of [
  ["no checks", {}, 0],
  ["nothing against it", checks("none", "some"), 0, 0, 1],
  ["refused", checks("none", "no", "unsure"), 100, 0, 100],
  ["unsure", checks("unsure", "no"), 111, 111],
  ["a check that is not there", checks("absent", "no"), 120],
] as [string, Record<string, string>, number, ...number[]][]) {
  const expected = runs.map((code) => `${code} a@b c@d`);
  test(name, async () => {
    await play("(END)", { ...scene, files, exit });
    assert.deepEqual(asked.splice(0), expected);
  });
}

/** What qmail-spp reads: the lines end with LF alone, which no dialogue can say. */
async function toldToSpp(files: Record<string, string>): Promise<string> {
  let told = "";
  const listener: Program = async (_, system) => {
    const child = await system.spawn(["qmail-rcptcheck"], { wires: { 1: { fromChild: true } } });
    for (;;) {
      const chunk = await child.input(1).read();
      if (chunk === null) break;
      told += Buffer.from(chunk).toString("latin1");
    }
    const ended = await child.wait();
    return "code" in ended ? ended.code : 1;
  };
  const programs = { ...scene.programs, listener };
  await play("(END)", {
    ...scene,
    programs,
    argv: ["listener"],
    files,
    env: { SMTPMAILFROM: "a@b", SMTPRCPTTO: "c@d" },
    exit: 0,
  });
  asked.length = 0;
  return told;
}

for (const [names, line] of [
  [["none"], ""],
  [["no"], "E553 sorry, no mailbox here by that name. (#5.1.1)\n"],
  [["unsure"], "R421 unable to verify recipient (#4.3.0)\n"],
  [["absent"], "R421 unable to execute recipient check (#4.3.0)\n"],
] as const) {
  test(`qmail-spp is told of ${names}`, async () => assert.equal(await toldToSpp(checks(...names)), line));
}

test("an address cannot forge a log line", () =>
  play("(END)", {
    ...scene,
    env: { SENDER: "", RECIPIENT: "c\nd@e f" },
    log: ["qmail-rcptcheck: from  to c?d@e?f"],
    exit: 0,
  }));

test("without an address nobody can say", () => play("(END)", { ...scene, env: {}, log: [], exit: 111 }));

for (const [recipient, env, exit, log] of [
  ["bad@mx.example", {}, 100, ["rcptcheck: badrcptto <PID> 192.0.2.7 bad@mx.example"]],
  ["BAD@mx.example", {}, 100, ["rcptcheck: badrcptto <PID> 192.0.2.7 BAD@mx.example"]],
  ["any@Old.example", {}, 100, ["rcptcheck: badrcptto <PID> 192.0.2.7 any@Old.example"]],
  ["good@mx.example", {}, 0, []],
  ["bad@mx.example", { RELAYCLIENT: "" }, 0, []],
] as [string, Record<string, string>, number, string[]][]) {
  test(`badrcptto and ${recipient}${"RELAYCLIENT" in env ? ", from one who may relay" : ""}`, () =>
    play("(END)", {
      programs: { badrcptto },
      argv: ["badrcptto"],
      env: { RECIPIENT: recipient, TCPREMOTEIP: "192.0.2.7", ...env },
      files: { "control/badrcptto": "bad@mx.example\n@old.example\n" },
      exit,
      log,
    }));
}
