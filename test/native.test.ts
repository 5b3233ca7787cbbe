/** The literal chain: sslserver --native, and the whole service with it. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { missing } from "./clients/command.ts";
import { isMaster, type Service, signal, startService } from "./clients/service.ts";
import { Client, plain } from "./clients/smtp-client.ts";
import { root } from "./runner/case.ts";
import { until } from "./runner/chain-server.ts";

const skip = missing("openssl");
const folder = mkdtempSync(join(tmpdir(), "native-"));
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

const certificate = join(folder, "servercert.pem");
if (skip === false) {
  const [key, cert] = [join(folder, "key"), join(folder, "cert")];
  const words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost";
  execFileSync("openssl", [...words.split(" "), "-keyout", key, "-out", cert], { stdio: "ignore" });
  writeFileSync(certificate, readFileSync(key, "latin1") + readFileSync(cert, "latin1"));
}

interface Server {
  readonly port: number;
  readonly pid: number;
  log(): string;
  stop(): Promise<number | null>;
}

async function serving(words: readonly string[], env: Record<string, string> = {}): Promise<Server> {
  const { ACCEPTUTILS_TEST_RUN, PATH } = process.env;
  const child = spawn(join(root, "build", "bin", "sslserver"), ["-1vR", ...words], {
    env: {
      PATH,
      ACCEPTUTILS_HOME: folder,
      CERTFILE: certificate,
      ...env,
      ...(ACCEPTUTILS_TEST_RUN ? { ACCEPTUTILS_TEST_RUN } : {}),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let log = "";
  child.stderr.setEncoding("latin1").on("data", (text: string) => {
    log += text;
  });
  const ended = once(child, "close");
  child.on("exit", () => running.delete(child));
  const [line] = await Promise.race([once(child.stdout, "data"), ended.then(() => [""])]);
  return {
    port: Number(line),
    pid: child.pid!,
    log: () => log,
    stop: async () => {
      child.kill("SIGTERM");
      return (await ended)[0] as number | null;
    },
  };
}

async function everything(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

const inClear = (port: number) => connect({ port, host: "127.0.0.1" });
const inTls = (port: number) => connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });

/** Variables without what differs from one connection to the next. */
const lasting = (env: string) =>
  env
    .replace(/^(\w*REMOTEPORT|\w*LOCALPORT|SSL_TLS_EXPORTER|SSL_SESSION_ID)=.*$/gm, "$1")
    .split("\n")
    .sort();

for (const [mode, options, client] of [
  ["in clear", ["-ne"], inClear],
  ["in TLS at once", ["-se"], inTls],
] as const) {
  test(`a program finds the same variables in both hosts, ${mode}`, { skip }, async () => {
    const seen: string[][] = [];
    for (const host of ["resident", "native"]) {
      const server = await serving([...options, "-l0", "127.0.0.1", "0", "env"], { ACCEPTUTILS_HOST: host });
      seen.push(lasting(await everything(client(server.port))));
      assert.equal(await server.stop(), 0);
    }
    assert.ok(seen[0]!.includes("TCPREMOTEIP=127.0.0.1"), seen[0]!.join("\n"));
    assert.deepEqual(
      seen[1],
      seen[0]!.filter((line) => !line.startsWith("ACCEPTUTILS_HOST=")),
    );
  });
}

test("each connection is a process of the server's, which is gone with it, and so is that of its TLS", {
  skip,
}, async () => {
  const server = await serving(["--native", "-se", "127.0.0.1", "0", "sh", "-c", "echo $PPID; exit 3"]);
  const children = () => readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "latin1");
  assert.equal((await everything(inTls(server.port))).trim(), String(server.pid));
  await until(() => children() === "" && /: end /.test(server.log()));
  assert.match(server.log(), /^sslserver: status: 0\/40$/m, "as many at once as the original");
  assert.match(server.log(), /^sslserver: ssl \d+ accept $/m);
  assert.match(server.log(), /^sslserver: end \d+ status 768$/m);
  assert.equal(await server.stop(), 0);
});

test("a session goes on when the server is told to stop, and then the server is gone", { skip }, async () => {
  const server = await serving(["--native", "-ne", "127.0.0.1", "0", "cat"]);
  const client = inClear(server.port);
  await until(() => server.log().includes(" ok "));
  const stopped = server.stop();
  client.write("still there\n");
  assert.equal(String((await once(client, "data"))[0]), "still there\n");
  client.end();
  assert.equal(await stopped, 0);
});

test("a certificate that cannot be used is said before anybody is served", { skip }, async () => {
  const server = await serving(["--native", "-n", "127.0.0.1", "0", "cat"], {
    KEYFILE: join(folder, "cert"),
  });
  assert.match(server.log(), /^sslserver: fatal: unable to load certificate: /m);
  assert.equal(server.port, 0);
});

test("the whole service runs so too, and comes back when it is killed", { skip }, async (t) => {
  const service = await startService({ words: ["--native"] });
  t.after(() => service.stop());
  await submit(service, "one");
  const titles = service.processes().map(({ title }) => title);
  assert.deepEqual(
    titles.filter((title) => /^acceptutils: (auth|front|user)/.test(title)),
    [],
    "no worker has sessions",
  );
  const before = service.processes().filter(({ title }) => isMaster(title));
  for (const { pid } of before) signal(pid, "SIGKILL");
  await until(() => service.log().split("running again").length > 1, 60);
  await submit(service, "two");
});

async function submit(service: Service, subject: string): Promise<void> {
  const [from, to] = [`alice@${service.host}`, `bob@${service.host}`];
  const client = await Client.open(service.port("submission"));
  await client.hear();
  await client.say("EHLO client.example");
  assert.match(await client.say("STARTTLS"), /^220 /);
  const authority = readFileSync(join(service.home, "control", "servercert.pem"), "utf8");
  await client.secure(authority, service.host);
  await client.say("EHLO client.example");
  assert.match(await client.say(`AUTH PLAIN ${plain("alice", service.password("alice"))}`), /^235 /);
  assert.match(await client.say(`MAIL FROM:<${from}>`), /^250 /);
  assert.match(await client.say(`RCPT TO:<${to}>`), /^250 /);
  assert.match(await client.say("DATA"), /^354 /);
  assert.match(await client.say(`Subject: ${subject}\r\n\r\nHello.\r\n.`), /^250 /);
  assert.match(await client.say("QUIT"), /^221 /);
  client.close();
  const count = subject === "one" ? 1 : 2;
  const mail = await service.waitForMail("bob", count);
  assert.ok(mail.some((text) => text.includes(`Subject: ${subject}\n`)));
}
