/** One service with several fronts: one process accepts for them, so that limits are those of the whole service. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { selfSigned } from "../src/system/home/certificate.ts";
import { root } from "./runner/case.ts";

const folder = mkdtempSync(join(tmpdir(), "fronts."));
chmodSync(folder, 0o711);
const certificate = join(folder, "cert.pem");
writeFileSync(certificate, selfSigned({ names: ["mx.example"], now: new Date() }));
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

interface Worker {
  readonly pid: number;
  readonly title: string;
}

class Server {
  readonly child: ChildProcess;
  port = 0;
  log = "";

  constructor(words: readonly string[], env: Record<string, string> = {}) {
    const marked = process.env["ACCEPTUTILS_TEST_RUN"];
    this.child = spawn(process.execPath, [join(root, "build", "app.cjs"), "sslserver", "-1vRHl0", ...words], {
      env: {
        PATH: `${join(root, "build", "bin")}:${process.env["PATH"]}`,
        CERTFILE: certificate,
        ACCEPTUTILS_HOME: folder,
        ...env,
        ...(marked && { ACCEPTUTILS_TEST_RUN: marked }),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(this.child);
    this.child.on("exit", () => running.delete(this.child));
    this.child.stderr!.on("data", (text) => (this.log += text));
  }

  async started(): Promise<this> {
    this.port = Number((await once(this.child.stdout!, "data"))[0]);
    return this;
  }

  async logs(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.log);
      if (found !== null) return found;
      await once(this.child.stderr!, "data");
    }
  }

  get workers(): readonly Worker[] {
    const { pid } = this.child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ");
    return children.map((child) => ({
      pid: Number(child),
      title: readFileSync(`/proc/${child}/cmdline`, "latin1").split("\0")[0]!.replace("acceptutils: ", ""),
    }));
  }

  worker(title: string): number {
    return this.workers.find((worker) => worker.title === title)?.pid ?? 0;
  }

  async visit(): Promise<Visit> {
    const socket = connect({ port: this.port, host: "127.0.0.1" });
    socket.on("error", () => {});
    const ended = once(socket, "close");
    const [greeting] = await Promise.race([once(socket, "data"), ended.then(() => [""])]);
    return { socket, ended, greeting: String(greeting), parent: Number(greeting) };
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    assert.equal((await once(this.child, "close"))[0], 0);
  }
}

/** A client, and what it heard first ("": it was not let in): from `program`, in which process its session runs. */
interface Visit {
  readonly socket: Socket;
  readonly ended: Promise<unknown>;
  readonly greeting: string;
  readonly parent: number;
}

/** Says whose child it is, then repeats what it hears. */
const program = ["sh", "-c", "echo $PPID; exec cat"];

async function answers({ socket }: Visit): Promise<void> {
  socket.write("still here");
  assert.equal(String((await once(socket, "data"))[0]), "still here");
}

async function leave({ socket, ended }: Visit): Promise<void> {
  socket.end();
  await ended;
}

test("sessions are shared by the fronts, the limits are those of the service", async () => {
  const server = await new Server([
    "-n",
    "--fronts",
    "3",
    "-c",
    "5",
    "-C",
    "4",
    "127.0.0.1",
    "0",
    ...program,
  ]).started();
  const four = [await server.visit(), await server.visit(), await server.visit(), await server.visit()];
  const titles = server.workers.map(({ title }) => title).sort();
  assert.deepEqual(titles, ["front", "front 2", "front 3", "listener", "tls"]);
  const fronts = ["front", "front 2", "front 3"].map((title) => server.worker(title));
  assert.deepEqual([...new Set(four.map(({ parent }) => parent))].sort(), fronts.sort());
  assert.equal((await server.visit()).parent, 0, "a fifth session of one address");
  await leave(four[0]!);
  await server.logs(/^sslserver: end (.|\n)*status: 3\/5/m);
  const again = await server.visit();
  assert.ok(fronts.includes(again.parent));
  for (const one of [...four.slice(1), again]) {
    await answers(one);
    await leave(one);
  }
  await server.logs(/^sslserver: end (.|\n)*status: 0\/5/m);
  await server.stop();
  assert.equal(server.log.match(/status: [6-9]\/5/), null);
});

test("at -c the next client waits, whichever front has the others", async () => {
  const server = await new Server(["-n", "--fronts", "2", "-c", "3", "127.0.0.1", "0", ...program]).started();
  const three = [await server.visit(), await server.visit(), await server.visit()];
  const waiting = server.visit();
  for (const one of three) await answers(one);
  assert.doesNotMatch(server.log, /status: 4\/3/);
  await leave(three[1]!);
  await leave(await waiting);
  for (const one of [three[0]!, three[2]!]) await leave(one);
  await server.stop();
});

test("a front that dies takes its own sessions, the listener none", async () => {
  mkdirSync(join(folder, "control"));
  writeFileSync(join(folder, "control", "me"), "mx.example\n");
  const server = await new Server([
    "-n",
    "--fronts",
    "2",
    "-C",
    "3",
    "127.0.0.1",
    "0",
    "qmail-smtpd",
  ]).started();
  const [one, two] = [await server.visit(), await server.visit()];
  process.kill(server.worker("front"), "SIGKILL");
  const dead = await Promise.race([one.ended.then(() => one), two.ended.then(() => two)]);
  const left = dead === one ? two : one;
  await noop(left);
  await server.logs(/^acceptutils: front \(pid \d+\) ended: SIGKILL$/m);
  await server.logs(/^sslserver: end \d+ status 9$/m);
  const third = await server.visit();
  await noop(third);
  process.kill(server.worker("listener"), "SIGKILL");
  await server.logs(/^acceptutils: listener \(pid \d+\) ended: SIGKILL$/m);
  for (const visit of [left, third]) await noop(visit);
  // The listener that takes its place knows of them.
  const fourth = await server.visit();
  await noop(fourth);
  assert.equal((await server.visit()).greeting, "", "a fourth session of one address");
  for (const visit of [left, third, fourth]) visit.socket.write("QUIT\r\n");
  await Promise.all([left, third, fourth].map(({ ended }) => ended));
  await server.logs(/^sslserver: end \d+ status 0$(.|\n)*status: 0\/1000/m);
  await server.stop();
});

async function noop({ socket }: Visit): Promise<void> {
  socket.write("NOOP\r\n");
  assert.match(String((await once(socket, "data"))[0]), /^250 /);
}

test("TLS works from every front, and sessions that do not end are cut", async () => {
  const server = await new Server(["-s", "127.0.0.1", "0", ...program], {
    ACCEPTUTILS_FRONTS: "2",
  }).started();
  const parents = new Set<string>();
  const sockets = [];
  for (let visit = 0; visit < 4; visit++) {
    const socket = connectTls({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false });
    parents.add(String((await once(socket, "data"))[0]));
    sockets.push(socket);
  }
  assert.equal(parents.size, 2);
  const closed = sockets.map((socket) => once(socket, "close"));
  server.child.kill("SIGTERM");
  for (let open = true; open; ) {
    const late = connect({ port: server.port, host: "127.0.0.1" });
    open = await once(late, "connect").then(
      () => true,
      () => false,
    );
    late.destroy();
  }
  server.child.kill("SIGTERM"); // whoever does not want to wait
  await once(server.child, "close");
  await Promise.all(closed);
});
