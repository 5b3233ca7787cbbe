import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { listen } from "../listen.ts";
import type { Ended } from "../system.ts";
import { Listener } from "./listener.ts";
import type { Service } from "./service.ts";

/** A service with so many sessions at once, which end when they are told to. */
async function serve(limit: number) {
  const { fd, port } = await listen({ host: "127.0.0.1", port: "0", backlog: 100, family: 4 });
  const service = {
    ...{ id: 1, server: "tcpserver", host: "127.0.0.1", port, argv: ["true"], env: {}, cwd: "/" },
    ...{ native: false, tls: "none", backlog: 100, limit, fronts: 1, verbosity: 0, localHost: "here" },
    ...{ tcpEnvironment: true, tlsEnvironment: false, lookUpRemote: false, paranoid: false },
    ...{ handshakeSeconds: 1, idleSeconds: 0, proxies: [], noDelay: true, banner: "" },
  } satisfies Service as Service;
  /** How many sessions began in each turn of the event loop. */
  const turns: number[] = [0];
  const ends: ((how: Ended) => void)[] = [];
  const listener = new Listener(service, fd, {
    run: () => {
      if (turns.at(-1) === 0) setImmediate(() => turns.push(0));
      turns.push(turns.pop()! + 1);
      return new Promise((end) => ends.push(end));
    },
    turnedAway: () => false,
    log: () => {},
  });
  const clients = (count: number) => Array.from({ length: count }, () => connect(port, "127.0.0.1"));
  return { listener, turns, ends, clients };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await turn();
}

test("clients that come together are let in together, and do not wait for a turn each", async () => {
  const { listener, turns, ends, clients } = await serve(100);
  const closed = clients(12).map((socket) => once(socket.resume(), "close"));
  await until(() => ends.length === 12);
  assert.ok(Math.max(...turns) >= 4, `in each turn: ${turns}`);
  for (const end of ends) end({ code: 0 });
  await Promise.all(closed);
  await listener.stop(1);
});

test("at the limit the next one waits, however many came together", async () => {
  const { listener, ends, clients } = await serve(6);
  const sockets = clients(9);
  const closed = sockets.map((socket) => once(socket.resume(), "close"));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  await until(() => ends.length === 6);
  for (let after = 0; after < 20; after++) await turn();
  assert.equal(ends.length, 6);
  for (let left = 9; left > 0; left--) {
    ends.shift()!({ code: 0 });
    await until(() => ends.length === Math.min(left - 1, 6));
    await turn();
    assert.equal(ends.length, Math.min(left - 1, 6));
  }
  await Promise.all(closed);
  await listener.stop(1);
});
