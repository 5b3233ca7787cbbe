import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Frame,
  FrameReader,
  frameBytes,
  framesBytes,
  kind,
  maximumPayloadOctets,
  NotAFrame,
} from "./frames.ts";

/** Content may come in pieces: they are put together again. */
function joined(frames: readonly Frame[]): [number, number, string][] {
  const all: [number, number, string][] = [];
  for (const frame of frames) {
    const text = Buffer.from(frame.payload).toString("latin1");
    const last = all.at(-1);
    if (frame.kind === kind.content && last?.[0] === kind.content && last[1] === frame.id) last[2] += text;
    else all.push([frame.kind, frame.id, text]);
  }
  return all;
}

const aFrame = fc.record({
  kind: fc.constantFrom(...Object.values(kind)),
  id: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  payload: fc.uint8Array({ minLength: 1, maxLength: 40 }),
});

test("frames that were written are read again as they were, however they are cut", () => {
  fc.assert(
    fc.property(
      fc.array(aFrame, { maxLength: 6 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
      (frames, cuts) => {
        const bytes = Buffer.concat(
          frames.map(({ kind: kindOf, id, payload }) => frameBytes(kindOf, id, payload)),
        );
        const reader = new FrameReader();
        const read: Frame[] = [];
        for (let at = 0; at < bytes.length; ) {
          const end = at + (cuts.next().value ?? 1);
          read.push(...reader.push(bytes.subarray(at, end)));
          at = end;
        }
        assert.deepEqual(joined(read), joined(frames));
      },
    ),
  );
});

test("several frames in one run of bytes", () => {
  const bytes = framesBytes(7, [
    [kind.content, [Buffer.from("Subject: x\n"), Buffer.from("\nbody\n")]],
    [kind.end, [Buffer.from("F\0\0")]],
  ]);
  assert.deepEqual(joined(new FrameReader().push(bytes)), [
    [kind.content, 7, "Subject: x\n\nbody\n"],
    [kind.end, 7, "F\0\0"],
  ]);
});

test("a frame without payload is one", () => {
  assert.deepEqual(joined(new FrameReader().push(frameBytes(kind.abort, 1))), [[kind.abort, 1, ""]]);
});

for (const [name, bytes] of [
  ["an unknown kind", Buffer.from("GET / HTTP/1.1\r\n")],
  [
    "a payload too large to keep",
    frameBytes(kind.end, 1, Buffer.alloc(maximumPayloadOctets + 1)).subarray(0, 9),
  ],
] as const) {
  test(`${name} is not read on`, () => assert.throws(() => new FrameReader().push(bytes), NotAFrame));
}
