/** What the processes of a running service remember of passwords: all their memory, read from outside. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { connect } from "node:tls";
import { startService } from "./service.ts";

const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");

/** Says each line when the one before was answered. The last answer. */
async function talk(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  const waiting = [...lines];
  let last = "";
  for await (const line of createInterface({ input: socket })) {
    last = line;
    if (/^\d{3}-/.test(line)) continue;
    const next = waiting.shift();
    if (next === undefined) break;
    socket.write(`${next}\r\n`);
  }
  socket.destroy();
  return last;
}

/** Which of `texts` are in the memory of a process that it can write to, what it has freed included. */
function remembers(pid: number, texts: readonly string[]): string[] {
  // It must not give memory back while we look at it.
  process.kill(pid, "SIGSTOP");
  while (!/^State:\tT/m.test(readFileSync(`/proc/${pid}/status`, "latin1")));
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const found = new Set<string>();
  const area = /^([0-9a-f]+)-([0-9a-f]+) rw[^\n]*\n(?:[A-Z][^\n]*\n)*?Rss: +([1-9]\d*) kB/gm;
  for (const [, from = "", to = ""] of readFileSync(`/proc/${pid}/smaps`, "latin1").matchAll(area)) {
    const start = BigInt(`0x${from}`);
    const octets = Buffer.alloc(Number(BigInt(`0x${to}`) - start));
    for (let at = 0; at < octets.length; ) {
      const count = readSync(memory, octets, at, Math.min(octets.length - at, 1 << 24), start + BigInt(at));
      if (count === 0) break;
      at += count;
    }
    for (const text of texts) if (octets.includes(text, 0, "latin1")) found.add(text);
  }
  closeSync(memory);
  process.kill(pid, "SIGCONT");
  return [...found];
}

/** What is in the memory of each worker, password or not. */
const known = "acceptutils: ";

/** The heap of a worker as it writes it down when it is told to: latin1. */
async function heapOf(pid: number, folder: string): Promise<string> {
  process.kill(pid, "SIGUSR2");
  for (let tries = 0; tries < 300; tries++) {
    await later(100);
    const name = readdirSync(folder).find((each) => each.includes(`.${pid}.`));
    const text = name === undefined ? "" : readFileSync(join(folder, name), "latin1");
    if (text.trimEnd().endsWith("]}")) return text;
  }
  throw new Error(`process ${pid} has written no heap`);
}

test("after a hundred logins no process of the service has a password in its heap, or anywhere in its memory", {
  skip: process.getuid!() === 0 ? false : "only root reads the memory of others",
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "heaps-"));
  chmodSync(folder, 0o777); // the service's users write there
  const service = await startService({
    flags: ["--heapsnapshot-signal=SIGUSR2", `--diagnostic-dir=${folder}`],
    prepare: (home) => [join(home, "control", "authmechanisms"), "PLAIN\nLOGIN\n"],
  });
  try {
    const [smtp, pop3] = [service.port("submissions"), service.port("pop3s")];
    const password = service.password("alice");
    const guess = randomBytes(12).toString("hex"); // each begins so
    for (let at = 0; at < 50; at++) {
      const way = [
        () => talk(smtp, [`AUTH PLAIN ${base64(`\0alice\0${password}`)}`, "QUIT"]),
        () => talk(smtp, ["AUTH LOGIN", base64("alice"), base64(password), "QUIT"]),
        () => talk(pop3, ["USER alice", `PASS ${password}`, "QUIT"]),
      ][at % 3]!;
      assert.match(await way(), /^221 |^\+OK/);
      // With a name of seven octets the base64 of the guess is within that of the message.
      const wrong = base64(`\0ghost${10 + at}\0${guess}${at}`);
      assert.match(await talk(smtp, [`AUTH PLAIN ${wrong}`, "QUIT"]), /^221 /);
    }
    const secrets = [password, base64(password), base64(`\0alice\0${password}`), guess, base64(guess)];
    const seen: string[] = [];
    for (const { pid, title } of service.processes()) {
      const name = /^acceptutils: (auth front|auth|front|tls|user alice)$/.exec(title)?.[1];
      if (name === undefined) continue;
      seen.push(name);
      // What each layer gave back is looked at, too: read buffers, OpenSSL's, the stack, places the collector has left.
      assert.deepEqual(remembers(pid, [...secrets, known]), [known], `all memory of ${name}`);
      const heap = await heapOf(pid, folder);
      assert.match(heap, /ACCEPTUTILS_WORKER/, `a heap of ${name}`);
      for (const [at, secret] of secrets.entries())
        assert.equal(heap.includes(secret), false, `secret ${at} is in the heap of ${name}`);
    }
    assert.deepEqual(seen.sort(), ["auth", "auth front", "front", "tls", "user alice"]);
  } finally {
    await service.stop();
    rmSync(folder, { recursive: true });
  }
});
