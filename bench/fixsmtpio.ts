/**
 * What fixsmtpio costs in the resident host, in front of a server in the same worker, over real sockets:
 *
 *     node bench/fixsmtpio.ts
 *
 * NOOP lines per second of CPU, pipelined, with the published rules; DATA through it, and the same bytes through a
 * bare copy between the same sockets; what a session keeps during a long DATA; a file of 1,000 rules.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main } from "../src/programs/fixsmtpio/main.ts";
import { rewriteReply } from "../src/protocol/fixsmtpio/rewrite.ts";
import { parseRules } from "../src/protocol/fixsmtpio/rule.ts";
import { rules as published } from "../src/system/home/fixsmtpio-rules.ts";
import { launcherText } from "../src/system/launchers.ts";
import { runResident } from "../src/system/resident-host.ts";
import { connection } from "../src/system/stream.ts";
import type { Program, System } from "../src/system/system.ts";

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

function serve(argv: readonly string[]): Promise<{ server: Server; path: string }> {
  const path = join(home, `${argv[0]}.socket`);
  rmSync(path, { force: true });
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

/** Waits until `octets` more have come. */
function heard(socket: Socket, octets: number): Promise<void> {
  return new Promise((resolve) => {
    let left = octets;
    const take = (chunk: Buffer) => {
      left -= chunk.length;
      if (left > 0) return;
      socket.off("data", take);
      resolve();
    };
    socket.on("data", take);
  });
}

async function session(argv: readonly string[], greeting: number, use: (socket: Socket) => Promise<void>) {
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

async function noops(argv: readonly string[], greeting: number): Promise<number> {
  const batch = Buffer.from("NOOP\r\n".repeat(1000));
  const batches = 300;
  const { cpuSeconds } = await session(argv, greeting, async (socket) => {
    for (let sent = 0; sent < batches; sent++) {
      const replies = heard(socket, 1000 * ok.length);
      socket.write(batch);
      await replies;
    }
  });
  return (batches * 1000) / cpuSeconds;
}

let most = 0;

async function data(argv: readonly string[], greeting: number): Promise<number> {
  const chunk = Buffer.from(`${"x".repeat(76)}\r\n`.repeat(840));
  const chunks = 8000;
  const { seconds } = await session(argv, greeting, async (socket) => {
    const goAhead = heard(socket, 14);
    socket.write("DATA\r\n");
    await goAhead;
    const done = heard(socket, ok.length);
    for (let sent = 0; sent < chunks; sent++) {
      if (sent % 500 === 0) most = Math.max(most, process.memoryUsage().rss);
      if (!socket.write(chunk)) await new Promise((resolve) => socket.once("drain", resolve));
    }
    socket.write(".\r\n");
    await done;
  });
  return (chunks * chunk.length) / 1e6 / seconds;
}

const native = "220 sink ESMTP\r\n".length;
const fixed = "220 mail.example.org ESMTP\r\n".length;
const bare = ["copy", "sink"];
const proxied = ["fixsmtpio", "sink"];
const median = (all: number[]) => all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;

const figures = {
  noops: [] as number[],
  bareNoops: [] as number[],
  data: [] as number[],
  bareData: [] as number[],
};
for (let round = 0; round < 3; round++) {
  figures.bareNoops.push(await noops(bare, native));
  figures.noops.push(await noops(proxied, fixed));
  figures.bareData.push(await data(bare, native));
  figures.data.push(await data(proxied, fixed));
}
console.log(`NOOP lines per CPU second (client included): ${Math.round(median(figures.noops))}`);
console.log(`  through a bare copy: ${Math.round(median(figures.bareNoops))}`);
console.log(`DATA, MB/s: ${Math.round(median(figures.data))}`);
console.log(`  through a bare copy: ${Math.round(median(figures.bareData))}`);
console.log(`most memory of this process: ${Math.round(most / 1e6)} MB`);

const { rules } = parseRules(
  Array.from({ length: 1000 }, (_, at) => `:ehlo::250-FEATURE${at}*::250 x`).join("\n"),
);
const line = ["250-PIPELINING, and some words\r\n"];
const start = performance.now();
for (let at = 0; at < 5000; at++) rewriteReply("ehlo", line, rules, { greeting: "", offersStartTls: false });
console.log(`a reply line and 1,000 rules: ${((performance.now() - start) / 5).toFixed(1)} µs`);
rmSync(home, { recursive: true });
process.exit(0);
