/** kill -9 of every process, one at a time, during a stream of submissions: what got 250 is never missing. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { type Service, signal, startService } from "./service.ts";
import { Client, plain, silenceSeconds } from "./smtp-client.ts";

let service: Service;
let ca = "";

before(async () => {
  service = await startService();
  ca = readFileSync(join(service.home, "control", "servercert.pem"), "utf8");
});
after(() => service?.stop());

/** Sends messages over one session after the other until told to stop; remembers which got 250. */
class Stream {
  readonly accepted: string[] = [];
  readonly #name: string;
  #stopped = false;
  #done: Promise<void>;

  constructor(name: string) {
    this.#name = name;
    this.#done = this.#run();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#done;
  }

  async #run(): Promise<void> {
    for (let session = 0; !this.#stopped; session++) {
      let client: Client | undefined;
      try {
        client = await logIn();
        for (let at = 0; at < 20 && !this.#stopped; at++)
          await this.#send(client, `${this.#name}.${session}.${at}`);
        await client.say("QUIT");
      } catch {
        await later(20); // it was killed under us: that is what the test is about
      } finally {
        client?.close();
      }
    }
  }

  async #send(client: Client, id: string): Promise<void> {
    const mail = [`MAIL FROM:<alice@${service.host}>`, `RCPT TO:<bob@${service.host}>`, "DATA"];
    for (const line of mail) if (/^[45]/.test(await client.say(line))) throw new Error("refused for now");
    if (/^250 /.test(await client.say(`Subject: ${id}\r\n\r\nHello.\r\n.`))) this.accepted.push(id);
  }
}

async function logIn(): Promise<Client> {
  const client = await Client.open(service.port("submission"));
  try {
    await client.hear();
    await client.say("EHLO client.example");
    await client.say("STARTTLS");
    await client.secure(ca, service.host);
    await client.say("EHLO client.example");
    const reply = await client.say(`AUTH PLAIN ${plain("alice", service.password("alice"))}`);
    if (!reply.startsWith("235 ")) throw new Error(reply);
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** How long it takes until somebody can log in again, in seconds. */
async function secondsUntilBack(): Promise<number> {
  const from = performance.now();
  for (;;) {
    const back = await logIn().catch(() => undefined);
    if (back !== undefined) {
      await back.say("QUIT").catch(() => "");
      back.close();
      return (performance.now() - from) / 1000;
    }
    assert.ok(
      performance.now() - from < 30_000,
      `the service did not come back\n${service.log().slice(-4000)}`,
    );
    await later(10);
  }
}

/** A process's part in the service, the same for whoever takes it over. */
const roleOf = (title: string) => title.replace(/^(\S*\/)?node( --\S+)*/, "node").slice(0, 300);

test("kill -9 of every process, one at a time, during a stream of submissions", {
  timeout: 240_000,
}, async (t) => {
  const streams = [new Stream("a"), new Stream("b"), new Stream("c")];
  await secondsUntilBack();
  const killed = new Map<string, number[]>();
  const bare: number[] = [];
  for (;;) {
    const next = notYetKilled(service.processes(), killed);
    if (next === undefined) break;
    const role = roleOf(next.title);
    bare.push(await secondsOfBareStarts());
    signal(next.pid, "SIGKILL");
    const seconds = await secondsUntilBack();
    killed.set(role, [...(killed.get(role) ?? []), seconds]);
    t.diagnostic(`${seconds.toFixed(2)} s without ${role.slice(0, 60)}`);
    await later(300); // some messages between two deaths
  }
  for (const stream of streams) await stream.stop();
  assert.ok(killed.size >= 5, `only ${killed.size} processes`);
  const accepted = streams.flatMap((stream) => stream.accepted);
  assert.ok(accepted.length > 20, `only ${accepted.length} messages were accepted`);
  const subjects = await arrived(accepted);
  const lost = accepted.filter((id) => !subjects.has(id));
  assert.deepEqual(lost, [], `${lost.length} of ${accepted.length} accepted messages are missing`);
  t.diagnostic(`${accepted.length} messages accepted, none missing`);
  const yardstick = bare.toSorted((a, b) => a - b)[bare.length >> 1]!;
  const within = Math.max(1, yardstick * bareStartsUntilBack);
  t.diagnostic(
    `${yardstick.toFixed(2)} s for ${bareStarts} bare starts of Node.js at once: ${within.toFixed(2)} s to come back in`,
  );
  const waited = [...killed].filter(([, seconds]) => Math.max(...seconds) > silenceSeconds / 2);
  assert.deepEqual(waited, [], "somebody was left waiting, until he lost his own patience");
  const slow = [...killed].filter(([, seconds]) => Math.min(...seconds) > within);
  assert.deepEqual(slow, [], `it took more than ${within} s to come back`);
});

/**
 * A second, to a whole login, where eight empty programs that start at once have ended after an eighth of that. A machine that
 * has other things to do, our own load among them, takes longer for both: the whole service is a dozen such processes.
 */
const bareStartsUntilBack = 8;
const bareStarts = 8;

/** How long that many empty programs take at this moment. */
async function secondsOfBareStarts(): Promise<number> {
  const from = performance.now();
  const start = () => once(spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }), "exit");
  await Promise.all(Array.from({ length: bareStarts }, start));
  return (performance.now() - from) / 1000;
}

/** A process that was not killed yet; of those with the same part each is killed. */
function notYetKilled(
  processes: readonly { pid: number; title: string }[],
  killed: ReadonlyMap<string, readonly number[]>,
): { pid: number; title: string } | undefined {
  const seen = new Map<string, number>();
  for (const process of processes.toSorted((a, b) => a.pid - b.pid)) {
    const role = roleOf(process.title);
    const before = seen.get(role) ?? 0;
    if (before >= (killed.get(role)?.length ?? 0)) return process;
    seen.set(role, before + 1);
  }
  return undefined;
}

/** The subjects at bob's, once all are there or nothing has come for a while. */
async function arrived(accepted: readonly string[]): Promise<Set<string>> {
  let subjects = new Set<string>();
  for (let quiet = 0; quiet < 200; quiet++) {
    const now = new Set(service.mailOf("bob").map((text) => /^Subject: (.*)$/m.exec(text)?.[1] ?? ""));
    if (now.size > subjects.size) quiet = 0;
    subjects = now;
    if (accepted.every((id) => subjects.has(id))) break;
    await later(100);
  }
  return subjects;
}
