/**
 * What fixsmtpio costs in the resident host, in front of a server in the same worker, over real sockets, beside a bare
 * copy of the same bytes between the same sockets. A goal that is missed is exit code 1:
 *
 *     node --expose-gc bench/fixsmtpio.ts [--json]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { main } from "../src/programs/fixsmtpio/main.ts";
import { rewriteReply } from "../src/protocol/fixsmtpio/rewrite.ts";
import { rules as published } from "../src/system/home/fixsmtpio-rules.ts";
import { launcherText } from "../src/system/launchers.ts";
import { runResident } from "../src/system/resident-host.ts";
import { connection } from "../src/system/stream.ts";
import type { Program, System } from "../src/system/system.ts";
import { summaryOf } from "./measure/statistics.ts";
import { differentRules, replies } from "./replies.ts";

const home = mkdtempSync(join(tmpdir(), "fixsmtpio-bench."));
mkdirSync(join(home, "bin"));
mkdirSync(join(home, "control"));
writeFileSync(join(home, "control", "me"), "mail.example.org\n");
writeFileSync(join(home, "control", "fixsmtpio"), published);

const ok = Buffer.from("250 ok\r\n");

/** Answers each line with 250, at once for all of a chunk; swallows a message up to its end. */
const sink: Program = async (_words, system: System) => {
  const [input, output] = [system.input(0), system.output(1)];
  await output.write(Buffer.from("220 sink ESMTP\r\n"));
  for (let inMessage = false; ; ) {
    const chunk = await input.read();
    if (chunk === null) return 0;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (inMessage) {
      inMessage = !bytes.subarray(-5).equals(Buffer.from("\r\n.\r\n"));
      if (!inMessage) await output.write(ok);
    } else if (bytes.equals(Buffer.from("DATA\r\n"))) {
      inMessage = true;
      await output.write(Buffer.from("354 go ahead\r\n"));
    } else {
      let lines = 0;
      for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines++;
      await output.write(Buffer.concat(Array.from({ length: lines }, () => ok)));
    }
  }
};

/** Each chunk out again to another program, nothing else: what the sockets and pipes cost. */
const copy: Program = async (words, system: System) => {
  const child = await system.spawn(words, { wires: { 0: { toChild: true }, 1: { fromChild: true } } });
  void (async () => {
    for (let chunk = await child.input(1).read(); chunk; chunk = await child.input(1).read()) {
      await system.output(1).write(chunk);
    }
  })();
  for (let chunk = await system.input(0).read(); chunk; chunk = await system.input(0).read()) {
    await child.output(0).write(chunk);
  }
  child.output(0).close();
  await child.wait();
  return 0;
};

const programs: Readonly<Record<string, Program>> = { fixsmtpio: main, sink, copy };
for (const name of Object.keys(programs)) {
  const text = launcherText(name, { node: process.execPath, bundle: "none" });
  writeFileSync(join(home, "bin", name), text, { mode: 0o755 });
}

let served = 0;

function serve(argv: readonly string[]): Promise<{ server: Server; path: string }> {
  served += 1;
  const path = join(home, `${argv[0]}.${served}`);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    void runResident(argv, {
      programs: async (name) => programs[name],
      env: new Map([
        ["PATH", join(home, "bin")],
        ["ACCEPTUTILS_HOME", home],
      ]),
      cwd: home,
      ...connection(socket),
      log: console.error,
    }).then(() => socket.destroySoon());
  });
  return new Promise((resolve) => server.listen(path, () => resolve({ server, path })));
}

/** Waits until these octets have come. Throws when others come. */
function heard(socket: Socket, expected: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let at = 0;
    const take = (chunk: Buffer) => {
      const part = expected.subarray(at, at + chunk.length);
      if (!part.equals(chunk)) return reject(new Error(`heard ${chunk.toString("latin1").slice(0, 200)}`));
      at += chunk.length;
      if (at < expected.length) return;
      socket.off("data", take);
      resolve();
    };
    socket.on("data", take);
  });
}

async function session(argv: readonly string[], greeting: Buffer, use: (socket: Socket) => Promise<void>) {
  const { server, path } = await serve(argv);
  const socket = connect(path);
  await heard(socket, greeting);
  const before = process.cpuUsage();
  const start = performance.now();
  await use(socket);
  const { user, system } = process.cpuUsage(before);
  socket.destroy();
  server.close();
  return { cpuSeconds: (user + system) / 1e6, seconds: (performance.now() - start) / 1000 };
}

async function noops([argv, greeting]: Way): Promise<number> {
  const batch = Buffer.from("NOOP\r\n".repeat(1000));
  const batches = 100;
  const thousandOks = Buffer.from("250 ok\r\n".repeat(1000));
  const { cpuSeconds } = await session(argv, greeting, async (socket) => {
    for (let sent = 0; sent < batches; sent++) {
      const all = heard(socket, thousandOks);
      socket.write(batch);
      await all;
    }
  });
  return (batches * 1000) / cpuSeconds;
}

/** What lives now: objects, and the bytes outside of them, which are given back a little later. */
async function living(): Promise<number> {
  globalThis.gc?.();
  await later(5);
  globalThis.gc?.();
  await later(5);
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const chunk = Buffer.from(`${"x".repeat(76)}\r\n`.repeat(840));

/** Sends a message of so many octets. Calls `look` a few times meanwhile, and goes on when that is done. */
async function data([argv, greeting]: Way, octets: number, look?: () => Promise<void>): Promise<number> {
  const chunks = Math.ceil(octets / chunk.length);
  const { cpuSeconds } = await session(argv, greeting, async (socket) => {
    const goAhead = heard(socket, Buffer.from("354 go ahead\r\n"));
    socket.write("DATA\r\n");
    await goAhead;
    const done = heard(socket, ok);
    for (let sent = 1; sent <= chunks; sent++) {
      if (!socket.write(chunk)) await new Promise((resolve) => socket.once("drain", resolve));
      if (sent % Math.floor(chunks / (looks + 1)) === 0) await look?.();
    }
    socket.write(".\r\n");
    await done;
  });
  return (chunks * chunk.length) / 1e6 / cpuSeconds;
}

const looks = 16;
const many = 9;

/** What lives while so many sessions are within a message, together of 1 GiB: the median, and how it grew. */
async function livingDuring(way: Way, sessions: number): Promise<{ usual: number; growth: number }> {
  const seen: number[] = [];
  let waiting: (() => void)[] = [];
  const look = async () => {
    // All stand still for it, each within its message.
    const all = new Promise<void>((resolve) => waiting.push(resolve));
    if (waiting.length === sessions) {
      seen.push(await living());
      for (const goOn of waiting) goOn();
      waiting = [];
    }
    await all;
  };
  await Promise.all(Array.from({ length: sessions }, () => data(way, 2 ** 30 / sessions, look)));
  return { usual: median(seen), growth: median(seen.slice(-4)) - median(seen.slice(0, 4)) };
}

type Way = readonly [argv: readonly string[], greeting: Buffer];
const bare: Way = [["copy", "sink"], Buffer.from("220 sink ESMTP\r\n")];
const proxied: Way = [["fixsmtpio", "sink"], Buffer.from("220 mail.example.org ESMTP\r\n")];
const median = (all: readonly number[]) => summaryOf(all).median;

/** In turn, as others use the machine, too; the first of each is not counted. */
async function compared(measure: (way: Way) => Promise<number>) {
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < 6; round++) {
    theirs.push(await measure(bare));
    ours.push(await measure(proxied));
  }
  return { ours: median(ours.slice(1)), bare: median(theirs.slice(1)) };
}

function ruleMicroseconds(): number {
  const facts = { greeting: "", offersStartTls: false };
  const before = process.cpuUsage();
  for (const line of replies) rewriteReply("ehlo", line, differentRules, facts);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / replies.length;
}

const noop = await compared(noops);
const messages = await compared((way) => data(way, 200e6));
await livingDuring(proxied, 1); // V8 compiles anew what is looked at in pauses; that is no growth of a session
const passes: { usual: number; growth: number }[] = [];
for (let pass = 0; pass < 3; pass++) passes.push(await livingDuring(proxied, 1));
const alone = { ours: passes[2]!, bare: await livingDuring(bare, 1) };
const crowd = { ours: await livingDuring(proxied, many), bare: await livingDuring(bare, many) };
const each = (who: "ours" | "bare") => (crowd[who].usual - alone[who].usual) / (many - 1);

const found: readonly { name: string; says: string; value: number; atLeast?: number; atMost?: number }[] = [
  { name: "noop", says: "NOOP lines per CPU second, client included", value: noop.ours },
  { name: "noop bare", says: "the same through a bare copy", value: noop.bare },
  { name: "data", says: "DATA, MB per CPU second, client included", value: messages.ours },
  { name: "data bare", says: "the same through a bare copy", value: messages.bare },
  {
    name: "ratio",
    says: "DATA, as a part of a bare copy",
    value: messages.ours / messages.bare,
    atLeast: 0.5,
  },
  {
    name: "memory",
    says: "KiB that one more session within DATA keeps, beyond a bare copy",
    value: (each("ours") - each("bare")) / 1024,
    atMost: 64,
  },
  {
    name: "growth",
    says: "KiB that a session grows during DATA of 1 GiB",
    value: median(passes.map(({ growth }) => growth)) / 1024,
    atMost: 64,
  },
  {
    name: "rules",
    says: "µs for a new reply line and 1,000 rules that begin differently",
    value: ruleMicroseconds(),
    atMost: 20,
  },
];
if (process.argv[2] === "--json") console.log(JSON.stringify(found));
let missed = 0;
for (const { says, value, atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } of found) {
  const isGood = value >= atLeast && value <= atMost;
  if (!isGood) missed += 1;
  if (process.argv[2] === "--json") continue;
  const goal = Number.isFinite(atLeast)
    ? `, goal ≥ ${atLeast}`
    : Number.isFinite(atMost)
      ? `, goal ≤ ${atMost}`
      : "";
  console.log(
    `${says}: ${Number(value.toPrecision(3)).toLocaleString("en")}${goal}${isGood ? "" : " MISSED"}`,
  );
}
rmSync(home, { recursive: true });
process.exit(missed === 0 ? 0 : 1);
