/** Signals to the whole service: another process takes over all of it, and files are read again. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { isMaster, type Service, startService } from "./service.ts";

let service: Service;
let master = 0;
before(async () => {
  service = await startService();
  master = service.processes().find(({ title }) => isMaster(title))!.pid;
});
after(() => service.stop());

/** Waits for a line that is logged from now on. */
async function logs(pattern: RegExp, from: number): Promise<RegExpExecArray> {
  for (let tries = 0; tries < 1000; tries++) {
    const found = pattern.exec(service.log().slice(from));
    if (found !== null) return found;
    await later(20);
  }
  throw new Error(`${pattern} is not in the log\n${service.log()}`);
}

async function upgrade(): Promise<number> {
  const from = service.log().length;
  process.kill(master, "SIGUSR2");
  return Number((await logs(/^up +upgrade: pid (\d+) takes new sessions$/m, from))[1]);
}

async function everything(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

const doors = ["smtp", "submission", "submissions", "pop3", "pop3s"] as const;

/** A client that comes again and again, until it is told to stop: what each visit brought. */
function visitor(name: (typeof doors)[number]): { visits: string[]; stop(): Promise<void> } {
  const to = { port: service.port(name), host: "127.0.0.1" };
  const visits: string[] = [];
  let going = true;
  const done = (async () => {
    while (going) {
      const socket = name.endsWith("s") ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to);
      socket.write("QUIT\r\n");
      visits.push(await everything(socket).catch((error: Error) => `refused: ${error.message}`));
      await later(5);
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

async function says(socket: Socket, line: string, answer: RegExp): Promise<void> {
  socket.write(`${line}\r\n`);
  assert.match(String((await once(socket, "data"))[0]), answer);
}

test("two upgrades under clients that come all the time: at no port is one refused, and old sessions go on", async () => {
  const old = connect({ port: service.port("smtp"), host: "127.0.0.1" });
  await once(old, "data");
  await says(old, "EHLO client.example", /^250/);
  const clients = doors.map((name) => ({ name, ...visitor(name) }));
  let first = 0;
  try {
    first = await upgrade();
    assert.notEqual(await upgrade(), first);
    for (const { visits } of clients)
      for (const before = visits.length; visits.length < before + 3; ) await later(5);
  } finally {
    for (const { stop } of clients) await stop();
  }
  for (const { name, visits } of clients) {
    const wanted = name.startsWith("pop3") ? /^\+OK .*\r\n\+OK/ : /^220 .*\r\n221 /;
    for (const visit of visits) assert.match(visit, wanted, name);
  }
  // Mail from the old session reaches the queue of the new service.
  await says(old, "MAIL FROM:<>", /^250/);
  await says(old, `RCPT TO:<alice@${service.host}>`, /^250/);
  await says(old, "DATA", /^354/);
  await says(old, "Subject: still here\r\n\r\nand delivered\r\n.", /^250/);
  old.end("QUIT\r\n");
  await everything(old);
  const [message] = await service.waitForMail("alice", 1);
  assert.match(message!, /and delivered/);
  // Who served in between has nothing left to do.
  while (service.processes().some(({ pid }) => pid === first)) await later(20);
});

test("SIGHUP: the files of each service are taken as a whole or not at all", async () => {
  const from = service.log().length;
  process.kill(master, "SIGHUP");
  for (const name of ["smtp", "submission", "pop3"])
    await logs(new RegExp(`^${name} +sslserver: reload: nothing has changed$`, "m"), from);
  const certificate = join(service.home, "control", "servercert.pem");
  const before = readFileSync(certificate);
  writeFileSync(certificate, "this is no certificate");
  const broken = service.log().length;
  process.kill(master, "SIGHUP");
  await logs(/^smtp +sslserver: warning: reload: nothing is changed: .*servercert\.pem/m, broken);
  const socket = connectTls({ port: service.port("pop3s"), host: "127.0.0.1", rejectUnauthorized: false });
  assert.match(String((await once(socket, "data"))[0]), /^\+OK/);
  socket.destroy();
  writeFileSync(certificate, before);
});

test("a new process one of whose services does not start takes nothing over", async () => {
  const script = join(service.home, "service", "pop3", "run");
  const text = readFileSync(script);
  writeFileSync(script, "#!/bin/sh\necho out of order\nexit 3\n");
  const from = service.log().length;
  process.kill(master, "SIGUSR2");
  await logs(/^up +warning: upgrade: the new process does not serve; the old one goes on$/m, from);
  assert.match(service.log().slice(from), /service\/pop3\/run: out of order/);
  writeFileSync(script, text);
  const socket = connect({ port: service.port("pop3"), host: "127.0.0.1" });
  assert.match(String((await once(socket, "data"))[0]), /^\+OK/);
  socket.destroy();
});

test("when the process that took over dies, another one serves", async () => {
  const pid = await upgrade();
  const from = service.log().length;
  process.kill(pid, "SIGKILL");
  await logs(/^up +upgrade: pid \d+ takes new sessions$/m, from);
  for (let greeting = ""; !greeting.startsWith("+OK"); ) {
    const socket = connect({ port: service.port("pop3"), host: "127.0.0.1" });
    [greeting] = (await once(socket, "data").catch(() => [""])).map(String) as [string];
    socket.destroy();
    await later(20);
  }
});
