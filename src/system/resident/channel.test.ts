import assert from "node:assert/strict";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { Socket } from "node:net";
import { test } from "node:test";
import { socketPair } from "../native.ts";
import { Channel, channelPair, type Received } from "./channel.ts";

function joined(): [Channel, Channel] {
  const [a, b] = channelPair();
  return [new Channel(a), new Channel(b)];
}

const next = (channel: Channel) =>
  new Promise<Received>((resolve) => {
    channel.onMessage = resolve;
  });

test("a message arrives with its facts and its body", async () => {
  const [here, there] = joined();
  const arrived = next(there);
  here.send({ kind: "log", service: 3 }, Buffer.from("a line\n"));
  const { head, body } = await arrived;
  assert.equal(head.kind, "log");
  assert.equal(head["service"], 3);
  assert.equal(body.toString(), "a line\n");
  here.close();
});

test("a descriptor arrives with the message that speaks of it", async () => {
  const [here, there] = joined();
  const [mine, given] = socketPair();
  const all: Received[] = [];
  const both = new Promise<void>((resolve) => {
    there.onMessage = (message) => {
      if (all.push(message) === 2) resolve();
    };
  });
  here.send({ kind: "nothing" });
  here.send({ kind: "handshake" }, undefined, [given]);
  await both;
  const { descriptors } = all[1]!;
  const inside = new Socket({ fd: descriptors[0]!, readable: true, writable: true });
  const outside = new Socket({ fd: mine, readable: true, writable: true });
  outside.write("hello");
  assert.equal(String((await once(inside, "data"))[0]), "hello");
  inside.destroy();
  outside.destroy();
  here.close();
});

test("each question gets its own answer, in whatever order they come", async () => {
  const [here, there] = joined();
  const asked: Received[] = [];
  there.onMessage = (message) => {
    asked.push(message);
    if (asked.length === 2) for (const one of asked.reverse()) there.reply(one, { is: one.head["of"] });
  };
  const answers = await Promise.all([
    here.ask({ kind: "q", of: "first" }),
    here.ask({ kind: "q", of: "second" }),
  ]);
  assert.deepEqual(
    answers.map((answer) => answer?.head["is"]),
    ["first", "second"],
  );
  here.close();
});

test("who asks somebody who goes away is told so", async () => {
  const [here, there] = joined();
  there.onMessage = () => there.close();
  assert.equal(await here.ask({ kind: "q" }), undefined);
  assert.equal(here.closed, true);
  assert.equal(await here.ask({ kind: "q" }), undefined);
});

test("nobody makes us keep a message without end", async () => {
  const [a, b] = channelPair();
  const channel = new Channel(a);
  const closed = new Promise<void>((resolve) => {
    channel.onClose = resolve;
  });
  const raw = new Socket({ fd: b.stream, readable: true, writable: true });
  raw.on("error", () => {});
  raw.write(Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
  await closed;
  raw.destroy();
  closeSync(b.packets);
});

for (const text of ["null", "7", "{}", '{"kind":7}', '["kind"]', "{"]) {
  test(`${text} is no message: whoever says so is not talked to any more`, async () => {
    const [a, b] = channelPair();
    const channel = new Channel(a);
    const closed = new Promise<void>((resolve) => {
      channel.onClose = resolve;
    });
    const raw = new Socket({ fd: b.stream, readable: true, writable: true });
    raw.on("error", () => {});
    raw.write(Buffer.concat([Buffer.from([0, 0, 0, text.length, 0, 0, 0, 0]), Buffer.from(text)]));
    await closed;
    raw.destroy();
    closeSync(b.packets);
  });
}

test("descriptors that nobody asked for are closed", async () => {
  const [a, b] = channelPair();
  const [here, there] = [new Channel(a, 1), new Channel(b)];
  const [left, right] = socketPair();
  const [other, end] = socketPair();
  const message = next(here);
  there.send({ kind: "gift" }, undefined, [left, other]);
  const { descriptors } = await message;
  assert.equal(descriptors.length, 1);
  const socket = new Socket({ fd: end, readable: true, writable: true });
  socket.resume();
  await once(socket, "end"); // nobody has the other end
  for (const fd of [...descriptors, right]) closeSync(fd);
  here.close();
  there.close();
});

test("what its receiver cannot take ends the channel, not the process", async () => {
  const [here, there] = joined();
  here.onMessage = ({ descriptors }) => void new Socket({ fd: descriptors[0]!, readable: true });
  const closed = new Promise<void>((resolve) => {
    there.onClose = resolve;
  });
  there.send({ kind: "session" }, undefined, [openSync("/dev/null", "r")]); // no connection
  await closed;
  assert.equal(here.closed, true);
});
