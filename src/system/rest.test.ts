import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mock, test } from "node:test";
import v8 from "node:v8";
import { restWhenIdle } from "./rest.ts";

const lookMs = 5000;

/** As much work as a look counts as work. */
function work(): void {
  const before = process.cpuUsage();
  for (let spent = 0; spent < 60_000; ) {
    const { user, system } = process.cpuUsage(before);
    spent = user + system;
  }
}

/** Something that nobody holds. */
const left = () => new WeakRef(new Array<number>(1000).fill(0.5));

/** What a WeakRef was made for stays until the turn is over. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("half a minute without work gives memory back, and work puts it off", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  // V8 may collect by itself at any moment: what is counted is that it was asked how.
  const flags = mock.method(v8, "setFlagsFromString");
  const looks = (count: number) => {
    for (let look = 0; look < count; look++) mock.timers.tick(lookMs);
    return flags.mock.calls.filter((call) => call.arguments[0] === "--expose-gc").length;
  };
  try {
    restWhenIdle();
    assert.equal(looks(5), 0, "not idle for long enough");
    work();
    assert.equal(looks(6), 0, "there was work");
    const garbage = left();
    await turn();
    assert.equal(looks(1), 1);
    await turn();
    assert.equal(garbage.deref(), undefined);
  } finally {
    mock.restoreAll();
    mock.timers.reset();
  }
});

test("V8 does not collect for want of work by itself", () => {
  const rest = JSON.stringify(new URL("./rest.ts", import.meta.url));
  /** How often V8 puts off a collection for which it waits, told by V8. */
  const waits = (first: string) => {
    const program = `${first}
      const numbers = () => Array.from({ length: 100 }, () => new Array(20_000).fill(0.5));
      let held = numbers();
      setTimeout(() => { held = numbers(); }, 50);
      setTimeout(() => {}, 600);`;
    const flags = [
      "--trace-memory-reducer",
      "--memory-reducer-delay-ms=20",
      "--gc-memory-reducer-start-delay-ms=20",
    ];
    const told = execFileSync(process.execPath, [...flags, "--input-type=module", "-e", program]).toString();
    return told.split("Memory reducer: waiting").length - 1;
  };
  assert.equal(waits(`(await import(${rest})).restWhenIdle(() => {});`), 0);
  assert.ok(waits("") > 0, "it would otherwise");
});

test("with many sessions waiting, garbage goes soon, once, and code stays", () => {
  let open = 0;
  let micros = 0;
  const kept: string[] = [];
  mock.timers.enable({ apis: ["setInterval"] });
  mock.method(process, "cpuUsage", (since?: NodeJS.CpuUsage) => ({
    user: micros - (since?.user ?? 0),
    system: 0,
  }));
  mock.method(process, "getActiveResourcesInfo", () => Array.from({ length: open }, () => "TCPSocketWrap"));
  const after = (seconds: number, looks: number) => {
    micros += seconds * 1e6;
    for (let look = 0; look < looks; look++) mock.timers.tick(lookMs);
    return kept.splice(0);
  };
  try {
    restWhenIdle((keep) => kept.push(keep));
    open = 99;
    assert.deepEqual(after(1, 2), [], "few wait");
    open = 100;
    assert.deepEqual(after(1, 1), [], "they have just come");
    assert.deepEqual(after(0, 1), ["code"]);
    assert.deepEqual(after(0, 1), []);
    assert.deepEqual(after(0.1, 2), [], "hardly any garbage");
    assert.deepEqual(after(0.1, 2), ["code"]);
    assert.deepEqual(after(0, 100), ["nothing"]);
  } finally {
    mock.restoreAll();
    mock.timers.reset();
  }
});

test("who has worked for long waits for long, and rests once", () => {
  let micros = 0;
  let rests = 0;
  mock.timers.enable({ apis: ["setInterval"] });
  mock.method(process, "cpuUsage", (since?: NodeJS.CpuUsage) => ({
    user: micros - (since?.user ?? 0),
    system: 0,
  }));
  const after = (seconds: number, looks: number) => {
    micros += seconds * 1e6;
    for (let look = 0; look < looks; look++) mock.timers.tick(lookMs);
    return rests;
  };
  try {
    restWhenIdle(() => {
      rests += 1;
    });
    assert.equal(after(10, 60), 0, "ten seconds of work are worth five minutes");
    assert.equal(after(0, 1), 1);
    assert.equal(after(0, 1000), 1, "there is nothing to give back");
    assert.equal(after(1000, 120), 1, "ten minutes are the most");
    assert.equal(after(0, 1), 2);
    assert.equal(after(0.1, 6), 2);
    assert.equal(after(0, 1), 3, "and half a minute is the least");
  } finally {
    mock.restoreAll();
    mock.timers.reset();
  }
});
