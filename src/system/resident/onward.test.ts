import assert from "node:assert/strict";
import { once } from "node:events";
import { Socket } from "node:net";
import { test } from "node:test";
import { socketPair } from "../native.ts";
import { Onward } from "./onward.ts";

const fullRecord = 16_384;

/** Both ends of a program, and how often we were told that it is behind. */
function program() {
  const [ours, theirs] = socketPair();
  const options = { readable: true, writable: true, allowHalfOpen: true };
  const socket = new Socket({ ...options, fd: ours });
  const full = { times: 0 };
  const onward = new Onward(socket, ours, () => (full.times += 1));
  return { onward, socket, full, heard: new Socket({ ...options, fd: theirs }) };
}

async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test("records of all sizes arrive in order, whatever their sessions do meanwhile", async () => {
  const [one, other] = [program(), program()];
  const sizes = [
    1,
    fullRecord,
    64,
    fullRecord,
    fullRecord,
    fullRecord,
    fullRecord,
    fullRecord,
    65,
    0,
    fullRecord,
  ];
  const sent: Buffer[] = [];
  for (const [at, octets] of sizes.entries()) {
    const record = Buffer.alloc(octets, `${at}.`);
    sent.push(Buffer.from(record));
    for (const { onward } of [one, other]) onward.take(Buffer.from(record), octets);
  }
  for (const { onward } of [one, other]) onward.end();
  for (const { heard, socket } of [one, other]) {
    assert.ok((await all(heard)).equals(Buffer.concat(sent)));
    heard.destroy();
    socket.destroy();
  }
});

test("what was taken is wiped", () => {
  const { onward, socket, heard } = program();
  for (const octets of [6, fullRecord]) {
    const record = Buffer.alloc(fullRecord, "secret");
    onward.take(record, octets);
    assert.ok(record.subarray(0, octets).every((octet) => octet === 0));
  }
  socket.destroy();
  heard.destroy();
});

test("a full record that comes alone does not wait for another", async () => {
  const { onward, socket, heard } = program();
  onward.take(Buffer.alloc(fullRecord, "x"), fullRecord);
  const [chunk] = (await once(heard, "data")) as [Buffer];
  assert.equal(chunk.length, fullRecord);
  socket.destroy();
  heard.destroy();
});

test("a program that is behind gets all, and we are told to wait", async () => {
  const { onward, socket, full, heard } = program();
  heard.pause();
  for (let records = 0; records < 100; records++) onward.take(Buffer.alloc(fullRecord, "x"), fullRecord);
  onward.flush();
  assert.ok(full.times > 0);
  onward.end();
  assert.equal((await all(heard)).length, 100 * fullRecord);
  heard.destroy();
  socket.destroy();
});

test("a program that is gone takes nothing", async () => {
  const { onward, socket, heard } = program();
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.on("close", resolve));
  heard.destroy();
  await once(heard, "close");
  onward.take(Buffer.from("hello"), 5);
  socket.resume();
  await closed;
  const record = Buffer.from("hello");
  onward.take(record, 5);
  assert.ok(record.every((octet) => octet === 0));
});
