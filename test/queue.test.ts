/** The queue as processes: what was answered with 0 is delivered, once, whoever is killed meanwhile. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, renameSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { envelopeBytes } from "../src/protocol/queue/envelope.ts";
import { Streamed } from "../src/system/queue/client.ts";
import { Submission } from "../src/system/queue/submission.ts";
import { QueueHome, until } from "./runner/queue-home.ts";
import { SmtpSink } from "./runner/smtp-sink.ts";

/** What the mailbox's owner has seen: subjects, each time they were found. */
class Reader {
  readonly seen: string[] = [];
  readonly #maildir: string;
  readonly #known = new Set<string>();

  constructor(maildir: string) {
    this.#maildir = maildir;
  }

  /** Reads what is new; then removes it, moves it, or leaves it, by turns, as mail programs do. */
  read(): void {
    const folder = join(this.#maildir, "new");
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (this.#known.has(`${name} left`)) continue;
      this.seen.push(/^Subject: (.*)$/m.exec(readFileSync(path, "latin1"))?.[1] ?? "?");
      if (this.seen.length % 3 === 0) unlinkSync(path);
      else if (this.seen.length % 3 === 1) renameSync(path, join(this.#maildir, "cur", `${name}:2,S`));
      else this.#known.add(`${name} left`);
    }
  }
}

async function submit(
  home: QueueHome,
  subject: string,
  size: number,
  to: readonly string[],
  sender = "bob@example.com",
): Promise<number> {
  const submission = new Submission(home.folder);
  await submission.write(Buffer.from(`Subject: ${subject}\n\n`));
  const line = Buffer.from(`${"x".repeat(63)}\n`);
  for (let at = 0; at < size; at += line.length * 512) {
    await submission.write(Buffer.concat(Array.from({ length: 512 }, () => line)));
  }
  const envelope = envelopeBytes({ sender, recipients: to });
  return submission.finish({ pid: "1", authenticated: true, envelope }, process.getuid!(), async () => ({}));
}

/** Until somebody listens at the queue's socket. */
async function untilListening(home: QueueHome): Promise<void> {
  for (const end = Date.now() + 20_000; ; ) {
    try {
      return (await Streamed.open(home.folder)).discard();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("no message that was answered with 0 is lost, and none comes twice, whoever is killed", async () => {
  const home = new QueueHome();
  const readers = [new Reader(home.maildir("alice")), new Reader(home.maildir("bob"))];
  const queued: string[] = [];
  let refused = 0;
  try {
    home.keepSending();
    let killed = 0;
    for (let round = 0; round < 40; round++) {
      // In every fourth round qmail-send is not back yet.
      if (round % 4 > 0) await untilListening(home);
      const batch = Array.from({ length: 12 }, async (_, at) => {
        const subject = `${round}.${at}`;
        const size = at === 0 ? 300_000 : at * 1000; // one that has a file of its own
        const exit = await submit(home, subject, size, ["alice@example.org", "bob@example.org"]).catch(
          () => 74,
        );
        if (exit === 0) queued.push(subject);
        else refused++;
      });
      const processes = home.processes();
      // Each of them in turn, at a moment that is not the same twice.
      const victim = processes[round % processes.length];
      await new Promise((resolve) => setTimeout(resolve, (round * 7) % 40));
      try {
        if (victim !== undefined) process.kill(victim, "SIGKILL");
        killed++;
      } catch {
        // It had ended by itself.
      }
      await Promise.all(batch);
      for (const reader of readers) reader.read();
    }
    assert.ok(
      killed > 20 && queued.length > 100,
      `${killed} killed, ${queued.length} queued, ${refused} refused`,
    );
    await until("everything delivered", 60, () => {
      for (const reader of readers) reader.read();
      return readers.every(({ seen }) => queued.every((subject) => seen.includes(subject)));
    });
    for (const { seen } of readers) {
      const twice = seen.filter((subject, at) => seen.indexOf(subject) !== at);
      assert.deepEqual(twice, []);
    }
  } finally {
    await home.end();
  }
});

test("without qmail-send, qmail-queue keeps the message itself", async () => {
  const home = new QueueHome();
  try {
    assert.equal(await submit(home, "alone", 100, ["alice@example.org"]), 0);
    home.keepSending();
    const reader = new Reader(home.maildir("alice"));
    await until("delivered", 20, () => {
      reader.read();
      return reader.seen.length > 0;
    });
    assert.deepEqual(reader.seen, ["alone"]);
  } finally {
    await home.end();
  }
});

test("mail for elsewhere is carried there; what is refused comes back, what is put off waits", async () => {
  const sink = await SmtpSink.open();
  const home = new QueueHome({ smtproutes: `example.net:127.0.0.1:${sink.port}\n` });
  try {
    home.keepSending();
    await untilListening(home);
    const to = ["dave@example.net", "550@example.net", "451@example.net"];
    assert.equal(await submit(home, "far", 200_000, to, "alice@example.org"), 0);
    const bounces = join(home.maildir("alice"), "new");
    await until("carried", 20, () => sink.messages.length === 1 && / deferral: /.test(home.log));
    assert.match(sink.messages[0]!, /^Received: \(qmail 1 invoked /);
    assert.ok(sink.messages[0]!.length > 200_000);
    assert.match(
      home.log,
      /failure: 127\.0\.0\.1_does_not_like_recipient\.\/Remote_host_said:_550_not_this_one\//,
    );
    assert.match(
      home.log,
      /deferral: 127\.0\.0\.1_does_not_like_recipient\.\/Remote_host_said:_451_not_this_one\//,
    );
    // The sender is told when the last recipient's fate is known.
    assert.ok(!existsSync(bounces) || readdirSync(bounces).length === 0);
    assert.equal(await submit(home, "back", 100, ["550@example.net"], "alice@example.org"), 0);
    await until("bounced", 20, () => existsSync(bounces) && readdirSync(bounces).length === 1);
    const bounce = readFileSync(join(bounces, readdirSync(bounces)[0]!), "latin1");
    assert.match(
      bounce,
      /^Return-Path: <>\nDelivered-To: alice@example\.org\nReceived: \(qmail \d+ invoked for bounce\)/,
    );
    assert.match(
      bounce,
      /<550@example\.net>:\n127\.0\.0\.1 does not like recipient\.\nRemote host said: 550 not this one/,
    );
  } finally {
    await home.end();
    sink.close();
  }
});
