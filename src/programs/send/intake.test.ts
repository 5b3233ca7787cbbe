import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { frameHead, framesBytes, kind, maximumPayloadOctets } from "../../protocol/queue/frames.ts";
import { handoverBytes } from "../../protocol/queue/handover.ts";
import { socketPair } from "../../system/native.ts";
import { channel, type NewMessage } from "../../system/queue/store.ts";
import { connection } from "../../system/stream.ts";
import { Intake } from "./intake.ts";

/** A client that has sent `sent` and then waits until it is hung up on. */
function client(sent: readonly Uint8Array[]) {
  const chunks = [...sent];
  const said: Uint8Array[] = [];
  let end: () => void = () => {};
  const closed = new Promise<null>((resolve) => {
    end = () => resolve(null);
  });
  const deadlines: (number | undefined)[] = [];
  return {
    said,
    deadlines,
    hangUp: () => end(),
    queueClient: {
      uid: 1000,
      input: {
        read: async (seconds?: number) => {
          deadlines.push(seconds);
          return chunks.shift() ?? closed;
        },
        close: () => end(),
      },
      output: {
        write: (bytes: Uint8Array) => void said.push(bytes),
        flush: async () => {},
        close: () => {},
      },
    },
  };
}

function intake(folder = "/nonexistent") {
  const accepted: NewMessage[] = [];
  const failures: unknown[] = [];
  const one = new Intake({
    folder,
    now: () => 0,
    route: (address) => (/@y\.example$/i.test(address) ? channel.local : channel.remote),
    serviceUids: () => ({}),
    accept: (message, settle) => {
      accepted.push(message);
      settle(true);
    },
    failed: (error) => failures.push(error),
  });
  return { one, accepted, failures };
}

test("a hundred half frames of two megabytes: most are cut off, and others are served", async () => {
  const { one, accepted, failures } = intake();
  const half = Buffer.alloc(maximumPayloadOctets - 1);
  const head = frameHead(kind.end, 1, maximumPayloadOctets);
  let open = 0;
  const flood = Array.from({ length: 100 }, () => {
    const { queueClient, hangUp, deadlines } = client([head, half]);
    open += 1;
    const ended = one.serve(queueClient).then(() => {
      open -= 1;
    });
    return { ended, hangUp, deadlines };
  });
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(open, 31, "64 MiB");
  for (const { deadlines } of flood.slice(0, 31))
    assert.ok(deadlines.at(-1) !== undefined, "a frame that has begun ends within an hour");

  const envelope = Buffer.from("Fa@x.example\0Tb@y.example\0\0");
  const good = client([
    framesBytes(1, [
      [kind.content, [Buffer.from("Subject: x\n\n")]],
      [kind.end, handoverBytes({ pid: "1", authenticated: false, envelope })],
    ]),
  ]);
  const served = one.serve(good.queueClient);
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(accepted.length, 1);
  assert.equal(good.said.length, 1);
  good.hangUp();
  for (const { hangUp } of flood) hangUp();
  await Promise.all([served, ...flood.map(({ ended }) => ended)]);
  assert.deepEqual(failures, []);

  // What those had is free again.
  const later = client([head, half]);
  let cut = false;
  const ended = one.serve(later.queueClient).then(() => {
    cut = true;
  });
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(cut, false);
  later.hangUp();
  await ended;
});

test("who is named a thousand times gets the message once", async () => {
  const { one, accepted } = intake();
  const names = ["Tbob@y.example", "TBOB@Y.example", "Tcarol@y.example", "Tbob@z.example", "TBob@z.example"];
  const envelope = Buffer.from(`Fa@x.example\0${`${names.join("\0")}\0`.repeat(200)}\0`);
  const { queueClient, hangUp } = client([
    framesBytes(1, [[kind.end, handoverBytes({ pid: "1", authenticated: false, envelope })]]),
  ]);
  const served = one.serve(queueClient);
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  hangUp();
  await served;
  assert.deepEqual(
    accepted[0]?.recipients.map(({ address }) => address),
    ["bob@y.example", "carol@y.example", "bob@z.example", "Bob@z.example"],
  );
});

test("large messages that come at once, over one connection and over two, are not mixed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "intake."));
  mkdirSync(join(folder, "mess"));
  const { one, accepted, failures } = intake(folder);
  const octets = 1_500_000;
  const content = (id: number) => Buffer.alloc(octets, `message ${id}, `);
  const end = handoverBytes({ pid: "1", authenticated: false, envelope: Buffer.from("Fa@x\0Tb@y\0\0") });
  const send = async (...ids: number[]) => {
    const [ours, theirs] = socketPair();
    const served = one.serve({ ...connection(new Socket({ fd: ours, allowHalfOpen: true })), uid: 1000 });
    const socket = new Socket({ fd: theirs });
    for (let at = 0; at < octets; at += 100_000)
      for (const id of ids)
        socket.write(framesBytes(id, [[kind.content, [content(id).subarray(at, at + 100_000)]]]));
    for (const id of ids) socket.write(framesBytes(id, [[kind.end, end]]));
    let verdicts = 0;
    for await (const chunk of socket) {
      verdicts += (chunk as Buffer).length;
      if (verdicts === 10 * ids.length) break;
    }
    await served;
  };
  try {
    await Promise.all([send(1, 2), send(3), send(4)]);
    await send(5);
    const files = accepted.map((message) =>
      readFileSync(join(folder, "mess", (message.content as { file: string }).file)),
    );
    for (const id of [1, 2, 3, 4, 5])
      assert.ok(
        files.some((file) => file.equals(content(id))),
        `message ${id}`,
      );
    assert.deepEqual(failures, []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
