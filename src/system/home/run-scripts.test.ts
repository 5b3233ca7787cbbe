import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { homeCertificate, listenerIn, listening, queueScript } from "./run-scripts.ts";

const examples = join(import.meta.dirname, "..", "..", "..", "examples", "run");

for (const [name, port] of [
  ["smtp", 25],
  ["submission", 587],
  ["pop3", 110],
] as const) {
  test(`${name}: the published script, with nothing but address, port and path changed`, () => {
    const script = listening
      .get(name)!
      .script({ host: "0", port, certificate: "/var/qmail/control/servercert.pem" });
    assert.equal(script, readFileSync(join(examples, name), "latin1"));
  });
}

for (const [name, { script, tls }] of listening) {
  const text = script({ host: "127.0.0.1", port: 2525, certificate: homeCertificate });

  test(`${name}: tells where it listens`, () => {
    assert.deepEqual(listenerIn(text), { host: "127.0.0.1", port: 2525 });
  });

  test(`${name}: sh finds no fault in it`, () => {
    for (const script of [text, queueScript]) {
      assert.equal(spawnSync("sh", ["-n"], { input: script }).status, 0);
    }
  });

  test(`${name}: UCSPITLS is there exactly when the client starts TLS itself`, () => {
    assert.equal(/^UCSPITLS=/m.test(text), tls === "starttls");
    assert.equal(/ -s?n?e /.exec(text)?.[0], tls === "starttls" ? " -ne " : " -se ");
  });
}

test("a script that listens elsewhere, or nowhere one can see", () => {
  assert.deepEqual(listenerIn("sslserver -ne \\\n::1 25 \\\nx\n"), { host: "::1", port: 25 });
  assert.deepEqual(listenerIn("sslserver -ne \\\n0 0 \\\nx\n"), { host: "0", port: 0 });
  assert.equal(listenerIn("exec tcpserver $IP $PORT prog\n"), undefined);
  assert.equal(listenerIn("x \\\n0 65536 \\\n"), undefined);
});
