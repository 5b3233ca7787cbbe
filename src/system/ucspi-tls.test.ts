import assert from "node:assert/strict";
import { test } from "node:test";
import { cuts } from "../../test/play.ts";
import { inputOf, Pipe } from "./pipe.ts";
import { Closed, type Output, TlsFailed } from "./system.ts";
import { readBlock } from "./ucspi-tls.ts";

/** A control socket whose other side says `chunks` and then ends. */
function answering(...chunks: readonly Uint8Array[]) {
  const written: Uint8Array[] = [];
  const command: Output = {
    write: async (bytes) => void written.push(bytes),
    flush: async () => {},
    close: () => {},
  };
  return { control: inputOf(...chunks), command, asked: () => Buffer.concat(written).toString() };
}

const reply = Buffer.from("SSL_PROTOCOL=TLSv1.3\0SSL_CIPHER=X\0\0");

test("it asks once, with Y, and reads the reply in every cut", async () => {
  for (const chunks of cuts(reply)) {
    const { control, command, asked } = answering(...chunks);
    const block = await readBlock(control, command, 5);
    assert.equal(block.get("SSL_CIPHER"), "X");
    assert.equal(asked(), "Y");
  }
});

for (const [why, chunks] of [
  ["closes without a word", []],
  ["dies in the middle of a name", [Buffer.from("SSL_PROTO")]],
  ["never ends", Array.from({ length: 8 }, () => Buffer.alloc(65536, "x"))],
  [
    "never ends, in whole items",
    Array.from({ length: 300 }, () => Buffer.from(`SSL_A=${"x".repeat(1000)}\0`)),
  ],
] as const) {
  test(`a server that ${why}: TLS has failed`, async () => {
    const { control, command } = answering(...chunks);
    await assert.rejects(readBlock(control, command, 5), TlsFailed);
  });
}

test("a server that is gone: TLS has failed", async () => {
  const { control } = answering();
  const command: Output = {
    write: () => Promise.reject(new Closed()),
    flush: async () => {},
    close: () => {},
  };
  await assert.rejects(readBlock(control, command, 5), TlsFailed);
});

test("a server that says nothing: TLS has failed in time", async () => {
  const { command } = answering();
  await assert.rejects(readBlock(new Pipe().reader, command, 0.05), /no handshake in time/);
});
