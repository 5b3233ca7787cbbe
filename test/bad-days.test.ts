/**
 * Servers on bad days. What is heavy comes in a small form here; BAD_DAYS=20 in the environment makes twenty times as
 * much of it: 10,000 connections at once against -c 1000, 2,000 slow clients.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { selfSigned } from "../src/system/home/certificate.ts";
import { root } from "./runner/case.ts";

const times = Number(process.env["BAD_DAYS"] ?? 1);
const folder = mkdtempSync(join(tmpdir(), "bad-days."));
const certificate = join(folder, "cert.pem");
writeFileSync(certificate, selfSigned({ names: ["mx.example"], now: new Date() }));
chmodSync(folder, 0o711);
mkdirSync(join(folder, "control"));
writeFileSync(join(folder, "control", "me"), "mx.example\n");
// Where whoever parses what strangers send may look for it.
cpSync(join(root, "build", "bin", "qmail-smtpd"), join(folder, "bin", "qmail-smtpd"));
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

class Server {
  readonly child: ChildProcess;
  port = 0;
  log = "";

  constructor(words: readonly string[], openFiles?: number) {
    const marked = process.env["ACCEPTUTILS_TEST_RUN"];
    const limit = openFiles === undefined ? "" : `ulimit -n ${openFiles}; `;
    const sslserver = join(root, "build", "bin", "sslserver");
    this.child = spawn("/bin/sh", ["-c", `${limit}exec "$0" "$@"`, sslserver, "-1vRH", ...words], {
      env: {
        PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
        CERTFILE: certificate,
        ACCEPTUTILS_HOME: folder,
        ...(marked && { ACCEPTUTILS_TEST_RUN: marked }),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(this.child);
    this.child.on("exit", () => running.delete(this.child));
    this.child.stderr!.on("data", (text) => (this.log += text));
  }

  async started(): Promise<this> {
    const ended = once(this.child, "exit").then(() => []);
    const [line] = await Promise.race([once(this.child.stdout!, "data"), ended]);
    this.port = Number(line);
    assert.ok(this.port > 0, this.log);
    return this;
  }

  async logs(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.log)) await once(this.child.stderr!, "data");
  }

  /** Its workers by name. */
  workers(): Map<string, number> {
    const { pid } = this.child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ");
    return new Map(
      children.map((child) => [
        readFileSync(`/proc/${child}/cmdline`, "latin1").split("\0")[0]!,
        Number(child),
      ]),
    );
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    const [code] = await once(this.child, "close");
    assert.equal(code, 0);
  }
}

async function everything(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

const clear = (port: number) => connect({ port, host: "127.0.0.1" });
const inTls = (port: number) => connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
/** Its descriptors; none of the process with the key, into which only root may look. */
const openFiles = (pid: number) => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch (error) {
    if (process.getuid!() !== 0 && (error as NodeJS.ErrnoException).code === "EACCES") return 0;
    throw error;
  }
};
const octetsInUse = (pid: number) =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);

const atOnce = 500 * times;
test(`${atOnce} connections at once, ten times what -c allows: all are served, one after the other`, async () => {
  const limit = atOnce / 10;
  const server = await new Server(["-nc", String(limit), "127.0.0.1", "0", "qmail-smtpd"]).started();
  const visit = async () => {
    const socket = clear(server.port);
    await once(socket, "data");
    socket.write("QUIT\r\n");
    return (await everything(socket)).slice(0, 4);
  };
  const answers = await Promise.all(
    Array.from({ length: atOnce }, () => visit().catch((error: Error) => error.message)),
  );
  assert.deepEqual([...new Set(answers)], ["221 "]);
  const before = performance.now();
  assert.equal(await visit(), "221 ");
  assert.ok(performance.now() - before < 1000, "it answers within a second afterwards");
  await server.stop();
  const counts = [...server.log.matchAll(/^sslserver: status: (\d+)\/(\d+)$/gm)].map(([, now]) =>
    Number(now),
  );
  assert.ok(Math.max(...counts) <= limit);
});

const slow = 100 * times;
test(`${slow} clients that send an octet now and then: others are served meanwhile, in bounded memory`, async () => {
  const server = await new Server(["-n", "-c", String(slow + 10), "127.0.0.1", "0", "qmail-smtpd"]).started();
  const sockets = Array.from({ length: slow }, () => clear(server.port));
  await Promise.all(sockets.map((socket) => once(socket, "data")));
  const front = server.workers().get("acceptutils: front")!;
  const before = octetsInUse(front);
  let sent = 0;
  const drip = setInterval(() => {
    for (const socket of sockets) socket.write("X");
    sent += 1;
  }, 1000 / times);
  for (let visits = 0; visits < 20 || sent < 2; visits++) {
    const socket = clear(server.port);
    await once(socket, "data");
    socket.write("QUIT\r\n");
    assert.match(await everything(socket), /^221 /);
  }
  clearInterval(drip);
  assert.ok(octetsInUse(front) - before < (64 << 20) + slow * (64 << 10), "memory of the front");
  for (const socket of sockets) socket.destroy();
  await server.stop();
});

test("what is no ClientHello costs its own connection, and no descriptor", async () => {
  const server = await new Server(["-c", "1000", "127.0.0.1", "0", "echo", "hello"]).started();
  assert.equal(await everything(inTls(server.port)), "hello\n");
  const workers = [...server.workers().values()];
  const before = workers.map(openFiles);
  const hello = Buffer.from("16030100c8010000c40303", "hex");
  const garbage: readonly Uint8Array[] = [
    Buffer.from("EHLO client.example\r\n"),
    Buffer.alloc(0),
    hello,
    Buffer.concat([hello, Buffer.alloc(500, 0xff)]),
    Buffer.from("1603010000", "hex"),
    Buffer.from("160301ffff", "hex"),
    Buffer.from("80800103010057000000200000", "hex"), // SSL 2
    Buffer.alloc(70_000, 0x16),
  ];
  await Promise.all(
    Array.from({ length: 200 }, (_, at) => {
      const socket = clear(server.port);
      socket.on("error", () => {});
      socket.end(garbage[at % garbage.length]!);
      return everything(socket).catch(() => "");
    }),
  );
  assert.equal(await everything(inTls(server.port)), "hello\n");
  const ends = () => server.log.match(/^sslserver: end \d+ status \d+$/gm)?.length ?? 0;
  while (ends() < 202) await once(server.child.stderr!, "data");
  for (let tries = 0; tries < 100 && workers.some((pid, at) => openFiles(pid) > before[at]! + 2); tries++)
    await everything(inTls(server.port)); // the last ones are being closed
  assert.deepEqual(
    workers.map((pid, at) => openFiles(pid) <= before[at]! + 2),
    workers.map(() => true),
    "open files",
  );
  assert.deepEqual([...server.workers().values()], workers, "nobody died of it");
  await server.stop();
});

for (const [how, words, client] of [
  [
    "in clear, with a program of its own process",
    ["-n", "127.0.0.1", "0", "sh", "-c", "echo hello; cat"],
    clear,
  ],
  ["in TLS", ["127.0.0.1", "0", "sh", "-c", "echo hello; cat"], inTls],
] as const) {
  test(`too few open files, ${how}: some are served, the others wait, the log says so once`, async () => {
    const server = await new Server(words, 100).started();
    const sockets = Array.from({ length: 40 }, () => client(server.port));
    // Nobody leaves before it has come to that.
    const short = server.logs(/too few open files/);
    const served = sockets.map(async (socket) => {
      const [text] = await once(socket, "data");
      await short;
      socket.end();
      return String(text);
    });
    assert.deepEqual([...new Set(await Promise.all(served))], ["hello\n"]);
    await Promise.all(sockets.map((socket) => socket.closed || once(socket, "close")));
    await server.stop();
    assert.equal(server.log.match(/too few open files/g)?.length, 1);
    assert.doesNotMatch(server.log, /errno|EMFILE|cannot open more files/);
  });
}

test("the TLS process is killed: its sessions end, those in clear go on, and the log says who it was", async () => {
  const server = await new Server(["-n", "127.0.0.1", "0", "qmail-smtpd"]).started();
  const smtp = async (socket: Socket, line: string) => {
    socket.write(`${line}\r\n`);
    return String((await once(socket, "data"))[0]);
  };
  const open = clear(server.port);
  await once(open, "data");
  const secure = await new Server(["127.0.0.1", "0", "cat"]).started();
  const inside = inTls(secure.port);
  inside.on("error", () => {});
  inside.write("hello");
  await once(inside, "data");
  const tls = secure.workers().get("acceptutils: tls")!;
  const front = secure.workers().get("acceptutils: front")!;
  process.kill(tls, "SIGKILL");
  await once(inside, "close");
  await secure.logs(new RegExp(`^acceptutils: tls \\(pid ${tls}\\) ended: SIGKILL$`, "m"));
  assert.match(await smtp(open, "NOOP"), /^250 /);
  let answer = "";
  for (let tries = 0; answer === "" && tries < 50; tries++) {
    const next = inTls(secure.port);
    next.end("again");
    answer = await everything(next).catch(() => "");
  }
  assert.equal(answer, "again");
  assert.equal(secure.workers().get("acceptutils: front"), front, "the front lives");
  open.destroy();
  await secure.stop();
  await server.stop();
});

test("a port that is taken is one line that says which, and what to do", async () => {
  const first = await new Server(["-n", "127.0.0.1", "0", "cat"]).started();
  const second = new Server(["-n", "127.0.0.1", String(first.port), "cat"]);
  assert.equal((await once(second.child, "close"))[0], 111);
  assert.equal(
    second.log.split("\n").filter((line) => line.includes("fatal"))[0],
    `sslserver: fatal: unable to bind: address already used; another program listens on 127.0.0.1 port ${first.port}: stop it or choose another port`,
  );
  await first.stop();
});

const large = 48 << 20;
for (const [how, words, client] of [
  ["in clear", ["-n"], clear],
  ["in TLS", [], inTls],
] as const) {
  test(`a client that does not read holds the program up, ${how}`, async () => {
    const program = ["sh", "-c", `echo $$; exec head -c ${large} /dev/zero`];
    const server = await new Server([...words, "127.0.0.1", "0", ...program]).started();
    const socket = client(server.port);
    const [first] = (await once(socket, "data")) as [Buffer];
    socket.pause();
    const pid = Number(String(first).split("\n")[0]);
    const written = () => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "latin1"))?.[1]);
    let [before, same] = [-1, 0];
    while (same < 10) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const now = written();
      same = now === before ? same + 1 : 0;
      before = now;
    }
    assert.ok(before < large / 2, `${before} octets were taken in`);
    for (const worker of server.workers().values()) assert.ok(octetsInUse(worker) < 200 << 20);
    let octets = first.length - String(pid).length - 1;
    socket.on("data", (chunk: Buffer) => (octets += chunk.length)).resume();
    await once(socket, "close");
    assert.equal(octets, large);
    await server.stop();
  });
}
