/** Signals to a server that is at work: another process takes over, and files are read again. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { selfSigned } from "../src/system/home/certificate.ts";
import { root } from "./runner/case.ts";

const folder = mkdtempSync(join(tmpdir(), "upgrade."));
chmodSync(folder, 0o711); // the rules are read by whoever parses what strangers send
const at = (name: string) => join(folder, name);
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});
writeFileSync(at("cert.pem"), selfSigned({ names: ["mx.example"], now: new Date() }));

class Server {
  readonly child: ChildProcess;
  port = 0;
  log = "";

  constructor(words: readonly string[], program = join(root, "build", "app.cjs")) {
    const marked = process.env["ACCEPTUTILS_TEST_RUN"];
    this.child = spawn(process.execPath, [program, "sslserver", "-1vRH", ...words], {
      env: {
        PATH: process.env["PATH"],
        CERTFILE: at("cert.pem"),
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

  /** Another process takes over; its number. */
  async upgrade(before: number): Promise<number> {
    const from = this.log.length;
    this.child.kill("SIGUSR2");
    while (!/upgrade: /.test(this.log.slice(from))) await once(this.child.stderr!, "data");
    const [, pid] = /upgrade: pid (\d+) takes new sessions/.exec(this.log.slice(from)) ?? [];
    assert.notEqual(Number(pid), before);
    return Number(pid);
  }

  async stop(): Promise<number | null> {
    this.child.kill("SIGTERM");
    return (await once(this.child, "close"))[0] as number | null;
  }
}

async function everything(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

const visit = (port: number) => everything(connect({ port, host: "127.0.0.1" }));

/** A client that connects again and again, until it is told to stop: what each visit brought. */
function visitor(port: number): { visits: string[]; stop(): Promise<void> } {
  const visits: string[] = [];
  let going = true;
  const done = (async () => {
    while (going) {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      socket.end("bye\n");
      visits.push(await everything(socket).catch((error: Error) => `refused: ${error.message}`));
    }
  })();
  return {
    visits,
    stop: () => {
      going = false;
      return done;
    },
  };
}

test("two upgrades under clients that connect all the time: none is refused, and old sessions go on", async () => {
  const server = await new Server(["-n", "127.0.0.1", "0", "sh", "-c", "echo hello; cat"]).started();
  const old = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
  assert.equal(String((await once(old, "data"))[0]), "hello\n");
  const clients = [visitor(server.port), visitor(server.port)];
  const first = await server.upgrade(server.child.pid!);
  const second = await server.upgrade(first);
  // The one in between has nothing left to do.
  await gone(first);
  for (const { visits, stop } of clients) {
    const before = visits.length;
    while (visits.length < before + 3) await new Promise(setImmediate);
    await stop();
    assert.ok(visits.length > 5, `${visits.length} visits`);
    assert.deepEqual([...new Set(visits)], ["hello\nbye\n"]);
  }
  old.write("still here");
  assert.equal(String((await once(old, "data"))[0]), "still here");
  old.end();
  assert.equal(await everything(old), "");
  assert.equal(await server.stop(), 0);
  await gone(second);
  assert.match(server.log, /^sslserver: upgrade: pid \d+ takes new sessions$/m);
});

/** Resolves when a process is no more. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("a new program that does not start takes nothing over; one that dies later ends the service", async () => {
  cpSync(join(root, "build"), at("build"), { recursive: true });
  const program = at("build/app.cjs");
  const server = await new Server(
    ["-n", "--fronts", "1", "127.0.0.1", "0", "echo", "hello"],
    program,
  ).started();
  writeFileSync(program, "process.exit(3)");
  server.child.kill("SIGUSR2");
  await server.logs(/^sslserver: warning: upgrade: the new process does not serve; the old one goes on$/m);
  assert.equal(await visit(server.port), "hello\n");
  cpSync(join(root, "build", "app.cjs"), program);
  const pid = await server.upgrade(server.child.pid!);
  assert.equal(await visit(server.port), "hello\n");
  process.kill(pid, "SIGKILL");
  const [code] = await once(server.child, "close");
  assert.equal(code, 111);
});

test("SIGHUP: files are taken as a whole or not at all, and what is new is said", async () => {
  const rules = at("rules.cdb");
  const words = ["-se", "-x", rules, "-X", "127.0.0.1", "0", "env"];
  const server = await new Server(words).started();
  server.child.kill("SIGHUP");
  await server.logs(/^sslserver: reload: nothing has changed$/m);
  const shown = async () => {
    const socket = connectTls({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { CN } = socket.getPeerCertificate().subject;
    await everything(socket);
    return CN;
  };
  writeFileSync(at("cert.pem"), selfSigned({ names: ["new.example"], now: new Date() }));
  writeFileSync(rules, "these are no rules");
  server.child.kill("SIGHUP");
  await server.logs(/^sslserver: warning: reload: nothing is changed: .*rules\.cdb: /m);
  rmSync(rules);
  server.child.kill("SIGHUP");
  await server.logs(/^sslserver: (reload: new: \S+cert\.pem|certificate \S+cert\.pem was read again)$/m);
  assert.equal(await shown(), "new.example");
  assert.equal(await server.stop(), 0);
});

test("SIGQUIT: sessions end when their clients do", async () => {
  const server = await new Server(["-n", "127.0.0.1", "0", "cat"]).started();
  const client = connect({ port: server.port, host: "127.0.0.1" });
  client.write("hello");
  await once(client, "data");
  server.child.kill("SIGQUIT");
  for (let open = true; open; ) {
    const late = connect({ port: server.port, host: "127.0.0.1" });
    open = await once(late, "connect").then(
      () => true,
      () => false,
    );
    late.destroy();
  }
  client.write("still here");
  assert.equal(String((await once(client, "data"))[0]), "still here");
  client.end();
  assert.equal((await once(server.child, "close"))[0], 0);
});
