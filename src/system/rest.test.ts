import assert from "node:assert/strict";
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
  // Asked for once, before V8 collects for the first time; it may do so by itself at any moment.
  const collects = mock.method(v8, "setFlagsFromString");
  const looks = (count: number) => {
    for (let look = 0; look < count; look++) mock.timers.tick(lookMs);
    return collects.mock.callCount();
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
