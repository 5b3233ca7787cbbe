import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, Socket } from "node:net";
import { test } from "node:test";
import { socketPair } from "./native.ts";
import { readWithoutTraces } from "./read-buffer.ts";

/** Two sockets that are joined; the first reads without traces. */
function pair(): [Socket, Socket] {
  const [ours, theirs] = socketPair();
  const options = { readable: true, writable: true, allowHalfOpen: true };
  return [readWithoutTraces(new Socket({ ...options, fd: ours })), new Socket({ ...options, fd: theirs })];
}

test("what is read is what was written, to the end", async () => {
  const [ours, theirs] = pair();
  const sent: Buffer[] = [];
  for (const octets of [1, 63, 64, 65, 4096, 65_536, 1_000_000]) {
    const bytes = Buffer.alloc(octets, `${octets}.`);
    sent.push(bytes);
    theirs.write(bytes);
  }
  theirs.end();
  const got: Buffer[] = [];
  for await (const chunk of ours) got.push(chunk as Buffer);
  assert.ok(Buffer.concat(got).equals(Buffer.concat(sent)));
});

test("a chunk is memory of its own, outside of what is collected and moved: wiped, it leaves nothing", async (t) => {
  const [ours, theirs] = pair();
  theirs.write("secret");
  const [chunk] = (await once(ours, "data")) as [Buffer];
  t.after(() => [ours, theirs].map((end) => end.destroy()));
  assert.equal(chunk.toString(), "secret");
  assert.notEqual(chunk.buffer, Buffer.from("pooled").buffer);
  theirs.write("other");
  const [next] = (await once(ours, "data")) as [Buffer];
  assert.equal(next.toString(), "other");
  assert.equal(chunk.toString(), "secret");
  chunk.fill(0);
  assert.ok(!Buffer.from(chunk.buffer).includes("secret"));
  assert.equal(next.toString(), "other");
});

test("a socket that is paused stops reading when its stream is full, and goes on later", async () => {
  const [ours, theirs] = pair();
  ours.pause();
  const bytes = Buffer.alloc(4_000_000, "x");
  theirs.end(bytes);
  ours.read(0);
  await once(ours, "readable");
  assert.ok(ours.readableLength < 1_000_000, `${ours.readableLength} octets were read ahead`);
  let octets = 0;
  for await (const chunk of ours) octets += (chunk as Buffer).length;
  assert.equal(octets, bytes.length);
});

test("an accepted socket takes nothing before it is asked to", async () => {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new Socket().connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [accepted] = (await once(server, "connection")) as [Socket];
  readWithoutTraces(accepted);
  client.write("first");
  await once(client, "connect");
  assert.equal(accepted.bytesRead, 0);
  const [chunk] = (await once(accepted.resume(), "data")) as [Buffer];
  assert.equal(chunk.toString(), "first");
  client.destroy();
  accepted.destroy();
  server.close();
});
