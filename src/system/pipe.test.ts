import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { inputOf, Pipe } from "./pipe.ts";
import { Closed } from "./system.ts";

test("what is written is read, in order, and then the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })), async (chunks) => {
      const input = inputOf(...chunks);
      const read: number[] = [];
      for (let chunk = await input.read(); chunk !== null; chunk = await input.read()) read.push(...chunk);
      assert.deepEqual(
        read,
        chunks.flatMap((chunk) => [...chunk]),
      );
    }),
  );
});

test("all who wait for room are told when there is some", async () => {
  const pipe = new Pipe();
  const full = new Uint8Array(Pipe.capacityOctets);
  const waiting = [pipe.write(full), pipe.write(Uint8Array.of(1)), pipe.write(Uint8Array.of(2))];
  assert.ok(waiting.every((room) => room !== undefined));
  for (let reads = 0; reads < 3; reads++) await pipe.reader.read();
  await Promise.all(waiting);
});

test("who waits for room hears that nobody will ever read", async () => {
  const pipe = new Pipe();
  const waiting = pipe.write(new Uint8Array(Pipe.capacityOctets));
  pipe.reader.close();
  await assert.rejects(waiting!, Closed);
  assert.throws(() => pipe.write(Uint8Array.of(1)), Closed);
});

test("who reads hears that nobody will ever write", async () => {
  const pipe = new Pipe();
  const end = pipe.reader.read();
  pipe.close();
  assert.equal(await end, null);
  assert.equal(await pipe.reader.read(), null);
});
