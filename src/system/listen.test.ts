import assert from "node:assert/strict";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { CannotListen, listen, listenAgain } from "./listen.ts";

const sixHere = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
);
const noSix = sixHere ? false : "this machine has no IPv6";

/** Whether a client of that address comes in. */
async function reached(port: number, host: string): Promise<boolean> {
  const socket = connect({ port, host });
  const there = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return there;
}

for (const [host, family, four, six] of [
  ["0", undefined, true, false],
  ["", undefined, true, false],
  [":0", undefined, true, true],
  ["::", undefined, true, true],
  ["0", 4, true, false],
  ["0", 6, false, true],
  [":0", 4, true, false],
  ["::", 4, true, false],
  [":0", 6, false, true],
  ["::", 6, false, true],
  ["127.0.0.1", undefined, true, false],
  ["127.0.0.1", 4, true, false],
  ["::1", undefined, false, true],
  ["::1", 6, false, true],
] as const) {
  test(`${host || "no host"}${family ? ` -${family}` : ""}`, { skip: six && noSix }, async () => {
    const { fd, port } = await listen({ host, port: "0", backlog: 5, family });
    assert.equal(await reached(port, "127.0.0.1"), four, "IPv4");
    if (sixHere) assert.equal(await reached(port, "::1"), six, "IPv6");
    closeSync(fd);
  });
}

for (const [host, family, why] of [
  ["127.0.0.1", 6, /it is none of IPv6/],
  ["::1", 4, /it is none of IPv4/],
] as const) {
  test(`${host} -${family} is refused`, async () => {
    const refused = (error: unknown) => error instanceof CannotListen && why.test(error.message);
    await assert.rejects(listen({ host, port: "0", backlog: 5, family }), refused);
  });
}

test("a socket from before is taken when it is the right one, else closed", async () => {
  const before = await listen({ host: "127.0.0.1", port: "0", backlog: 5, family: undefined });
  const at = { host: "127.0.0.1", port: String(before.port), backlog: 5, family: undefined };
  const again = await listenAgain(before.fd, at);
  assert.equal(again.port, before.port);
  const other = await listenAgain(again.fd, { ...at, port: "0" });
  assert.notEqual(other.port, before.port);
  const free = createServer().listen(before.port, "127.0.0.1");
  await once(free, "listening"); // nobody has it any more
  free.close();
  closeSync(other.fd);
});
