/** sslserver as a process of its own, in front of programs that are not ours. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const sslserver = join(root, "build", "bin", "sslserver");
const folder = mkdtempSync(join(tmpdir(), "sslserver-"));
chmodSync(folder, 0o711); // rules are read by those who parse what strangers send
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

const certificate = join(folder, "servercert.pem");
execFileSync(
  "openssl",
  [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
    ...["-subj", "/CN=localhost", "-keyout", join(folder, "key"), "-out", join(folder, "cert")],
    // The progress marks of the key generation.
  ],
  { stdio: "ignore" },
);
writeFileSync(
  certificate,
  readFileSync(join(folder, "key"), "latin1") + readFileSync(join(folder, "cert"), "latin1"),
);

interface Server {
  readonly port: number;
  readonly pid: number;
  log(): string;
  stop(): Promise<number | null>;
}

async function serving(
  words: readonly string[],
  env: Record<string, string> = {},
  server = "sslserver",
): Promise<Server> {
  const child = spawn(join(root, "build", "bin", server), ["-1vR", ...words], {
    env: { PATH: process.env["PATH"], ACCEPTUTILS_HOME: folder, CERTFILE: certificate, ...env, ...marked },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let log = "";
  child.stderr.on("data", (text) => {
    log += text;
  });
  const ended = once(child, "close");
  child.on("exit", () => running.delete(child));
  const [line] = await Promise.race([once(child.stdout, "data"), ended.then(() => [log])]);
  assert.match(String(line), /^\d+\n$/, log);
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

const marked = process.env["ACCEPTUTILS_TEST_RUN"]
  ? { ACCEPTUTILS_TEST_RUN: process.env["ACCEPTUTILS_TEST_RUN"] }
  : {};

async function everything(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

const inClear = (port: number) => everything(connect({ port, host: "127.0.0.1" }));
const inTls = (port: number) => connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });

/** The workers of a server, by what `ps` calls them. */
function workers(pid: number): Map<string, number> {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ");
  return new Map(
    children.map((child) => [
      readFileSync(`/proc/${child}/cmdline`, "latin1").split("\0")[0]!,
      Number(child),
    ]),
  );
}

test("a program in clear finds the connection in its environment, and its exit code in the log", async () => {
  const server = await serving(["-nel0", "127.0.0.1", "0", "sh", "-c", "env; exit 7"]);
  const env = await inClear(server.port);
  assert.match(env, /^TCPREMOTEIP=127\.0\.0\.1$/m);
  assert.match(env, /^TCPLOCALHOST=0$/m);
  assert.match(env, /^PROTO=TCP$/m);
  assert.match(env, /^SSLCTLFD=\d+$/m);
  assert.doesNotMatch(env, /^ACCEPTUTILS_(POOL|WORKER)/m);
  assert.equal(await server.stop(), 0);
  assert.match(server.log(), /^sslserver: status: 1\/1000$/m);
  assert.match(server.log(), /^sslserver: ok \d+ 0:127\.0\.0\.1:\d+ :127\.0\.0\.1::\d+$/m);
  assert.match(server.log(), /^sslserver: end \d+ status 1792$/m);
});

test("TLS at once: what the program says arrives inside, with the facts of TLS in its environment", async () => {
  const server = await serving(["-se", "127.0.0.1", "0", "env"]);
  const env = await everything(inTls(server.port));
  assert.match(env, /^SSL_PROTOCOL=TLSv1\.3$/m);
  assert.match(env, /^SSL_CIPHER=TLS_/m);
  assert.doesNotMatch(env, /^SSLCTLFD=/m, "TLS cannot be started again");
  assert.equal(await server.stop(), 0);
});

const rules = join(folder, "rules.cdb");
function compile(text: string): void {
  const { status } = spawnSync(join(root, "build", "bin", "tcprules"), [rules, `${rules}.tmp`], {
    input: text,
  });
  assert.equal(status, 0);
}

test("rules: variables, denial, and a change without a restart", async () => {
  compile('127.0.0.1:allow,RELAYCLIENT="",WHO="us"\n:deny\n');
  const server = await serving(["-neHx", rules, "127.0.0.1", "0", "env"]);
  const env = await inClear(server.port);
  assert.match(env, /^RELAYCLIENT=$/m);
  assert.match(env, /^WHO=us$/m);
  compile("127.:deny\n");
  assert.equal(await inClear(server.port), "");
  rmSync(rules);
  assert.equal(await inClear(server.port), "");
  assert.equal(await server.stop(), 0);
  assert.match(
    server.log(),
    /^sslserver: deny \d+ :127\.0\.0\.1:\d+ :127\.0\.0\.1::\d+\nsslserver: end \d+ status 25600$/m,
  );
  assert.match(
    server.log(),
    /^sslserver: warning: dropping connection, unable to read .*rules\.cdb: file does not exist\nsslserver: end \d+ status 28416$/m,
  );
});

test("a script as it is found on servers starts, and without rules -X lets everybody in", async () => {
  const words = ["-4", "-6", "-seVn", "-Rp", "-l", "mx.example", "-c", "9", "-Xx", "/nonexistent.cdb"];
  const server = await serving([...words, "-u", "65534", "-g", "65534", ":0", "0", "env"]);
  const env = await inClear(server.port);
  assert.match(env, /^TCPLOCALHOST=mx\.example$/m);
  assert.match(env, /^PROTO=TCP$/m);
  const six = await everything(connect({ port: server.port, host: "::1" })).catch(() => "no IPv6 here");
  if (six !== "no IPv6 here") assert.match(six, /^TCP6REMOTEIP=::1$/m);
  await server.stop();
});

test("tcpserver: the same without TLS, under its own name", async () => {
  const server = await serving(["-Hl0", "127.0.0.1", "0", "env"], { UCSPITLS: "" }, "tcpserver");
  const env = await inClear(server.port);
  assert.match(env, /^TCPREMOTEIP=127\.0\.0\.1$/m);
  assert.doesNotMatch(env, /^SSL/m);
  assert.equal(await server.stop(), 0);
  assert.match(server.log(), /^tcpserver: end \d+ status 0$/m);
});

test("more sessions of one address than -C are not served", async () => {
  const server = await serving(["-nHC1", "127.0.0.1", "0", "cat"]);
  const first = connect({ port: server.port, host: "127.0.0.1" });
  first.write("first");
  await once(first, "data");
  assert.equal(await inClear(server.port).catch(() => ""), "");
  first.end();
  await everything(first);
  await server.stop();
  assert.match(server.log(), /^sslserver: deny /m);
});

test("a proxy says for whom it connects, in front of TLS too; who is no proxy cannot", async () => {
  const header = "PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\n";
  const proxied = { ACCEPTUTILS_PROXIES: "198.51.100.0/24 127.0.0.0/8" };
  const server = await serving(["-seH", "127.0.0.1", "0", "env"], proxied);
  const socket = connect({ port: server.port, host: "127.0.0.1" });
  socket.write(header);
  const env = await everything(connectTls({ socket, rejectUnauthorized: false }));
  assert.match(env, /^TCPREMOTEIP=192\.0\.2\.7$/m);
  assert.match(env, /^TCPREMOTEPORT=40000$/m);
  assert.match(env, /^TCPLOCALIP=192\.0\.2\.1$/m);
  assert.match(env, /^SSL_PROTOCOL=/m);
  const direct = connect({ port: server.port, host: "127.0.0.1" });
  direct.write("EHLO x\r\n");
  assert.equal(await everything(direct).catch(() => ""), "");
  await server.stop();
  assert.match(server.log(), /no PROXY header from 127\.0\.0\.1$/m);
  const other = await serving(["-neH", "127.0.0.1", "0", "cat"], { ACCEPTUTILS_PROXIES: "198.51.100.0/24" });
  const liar = connect({ port: other.port, host: "127.0.0.1" });
  liar.end(header);
  assert.equal(await everything(liar), header);
  await other.stop();
});

test("proxies and clients of their own come to one port; a proxy that talks nonsense is let go", async () => {
  const proxied = { ACCEPTUTILS_PROXIES: "127.0.0.2" };
  const server = await serving(
    ["-neH", "0", "0", "sh", "-c", "echo $TCPREMOTEIP $TCPREMOTEPORT; cat"],
    proxied,
  );
  const says = async (from: string, ...chunks: readonly (string | Uint8Array)[]) => {
    const socket = connect({ port: server.port, host: "127.0.0.1", localAddress: from });
    socket.setNoDelay(true);
    for (const chunk of chunks) {
      socket.write(chunk);
      await new Promise(setImmediate);
    }
    socket.end();
    return everything(socket).catch(() => "");
  };
  const v2 = Buffer.from(
    "0d0a0d0a000d0a515549540a2111000cc0000207c00002019c400019" + Buffer.from("hello").toString("hex"),
    "hex",
  );
  const [whole, ...cut] = [v2, v2.subarray(0, 5), v2.subarray(5, 20), v2.subarray(20)];
  const [direct, first, second, piecemeal, health] = await Promise.all([
    says("127.0.0.1", "hello"),
    says("127.0.0.2", "PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\nhello"),
    says("127.0.0.2", whole!),
    says("127.0.0.2", ...cut),
    says("127.0.0.2", "PROXY UNKNOWN\r\nhello"),
  ]);
  assert.match(direct, /^127\.0\.0\.1 \d+\nhello$/);
  for (const answer of [first, second, piecemeal]) assert.equal(answer, "192.0.2.7 40000\nhello");
  assert.match(health, /^127\.0\.0\.2 \d+\nhello$/);
  const oversized = Buffer.concat([v2.subarray(0, 14), Buffer.from("ffff", "hex"), Buffer.alloc(70_000)]);
  const nonsense: readonly (string | Uint8Array)[] = [
    "EHLO client.example\r\n",
    "PROXY TCP4 192.0.2.7\r\n",
    "PROXY TCP4 192.0.2.7 192.0.2.1 99999 25\r\n",
    "PROXY " + "x".repeat(200) + "\r\n",
    v2.subarray(0, 13),
    oversized,
    "",
  ];
  for (const bytes of nonsense) assert.equal(await says("127.0.0.2", bytes), "");
  assert.match(await says("127.0.0.1", "hello"), /hello$/);
  await server.stop();
});

test("a service manager opens the socket, and is told when clients are served", async () => {
  const socket = join(folder, "notify");
  const script = `
    use IO::Socket::INET; use IO::Socket::UNIX; use Fcntl; use POSIX;
    my $told = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => '${socket}') or die "notify: $!";
    my $tcp = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $!";
    my $server = fork;
    if ($server == 0) {
      my $fd = fileno $tcp;
      if ($fd == 3) { fcntl($tcp, F_SETFD, 0) } else { POSIX::dup2($fd, 3) }
      @ENV{qw(LISTEN_FDS LISTEN_PID NOTIFY_SOCKET)} = (1, $$, '${socket}');
      exec '${sslserver}', qw(-nH 127.0.0.1 1 env) or die "exec: $!";
    }
    $told->recv(my $state, 100);
    my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $tcp->sockport) or die "connect: $!";
    print $state, "\n", <$client>;
    kill TERM => $server; waitpid $server, 0; print "exit $?\n";`;
  const child = spawn("perl", ["-e", script], {
    env: { PATH: process.env["PATH"], CERTFILE: certificate, ...marked },
    stdio: ["ignore", "pipe", 2],
  });
  running.add(child);
  let text = "";
  for await (const chunk of child.stdout!) text += chunk;
  running.delete(child);
  assert.match(text, /^READY=1\n/);
  assert.match(text, /^SSLREMOTEIP=127\.0\.0\.1$/m);
  assert.doesNotMatch(text, /^(LISTEN_|NOTIFY_)/m);
  assert.match(text, /^exit 0$/m);
});

test("a client that speaks no TLS is let go, and the next one is served", async () => {
  const server = await serving(["-e", "127.0.0.1", "0", "echo", "hello"]);
  const garbage = connect({ port: server.port, host: "127.0.0.1" });
  garbage.on("error", () => {});
  garbage.write("EHLO this.is.not.tls\r\n\r\n");
  await everything(garbage).catch(() => "");
  assert.equal(await everything(inTls(server.port)), "hello\n");
  await server.stop();
  assert.match(server.log(), /warning: dropping SSL connection/);
});

test("at the limit the next client waits, and is served when there is room", async () => {
  const server = await serving(["-nc", "1", "127.0.0.1", "0", "cat"]);
  const first = connect({ port: server.port, host: "127.0.0.1" });
  first.write("first");
  assert.equal(String((await once(first, "data"))[0]), "first");
  const second = connect({ port: server.port, host: "127.0.0.1" });
  second.end("second");
  const answer = everything(second);
  first.end();
  await everything(first);
  assert.equal(await answer, "second");
  await server.stop();
  assert.doesNotMatch(server.log(), /status: 2\/1/);
});

test("each worker may be killed: the next client is served", async () => {
  const server = await serving(["-e", "127.0.0.1", "0", "echo", "hello"]);
  assert.equal(await everything(inTls(server.port)), "hello\n");
  for (const title of ["acceptutils: tls", "acceptutils: front"]) {
    process.kill(workers(server.pid).get(title)!, "SIGKILL");
    let answer = "";
    // A client that comes in the moment between is let go; one that tries again is served.
    for (let tries = 0; answer === "" && tries < 50; tries++) {
      answer = await everything(inTls(server.port)).catch(() => "");
    }
    assert.equal(answer, "hello\n", `after the end of ${title}`);
  }
  await server.stop();
});

test("the key is in no memory but the TLS process's, and that one cannot be read by its user", async () => {
  const server = await serving(["-e", "--fronts", "1", "127.0.0.1", "0", "echo", "hello"]);
  await everything(inTls(server.port));
  const secret = readFileSync(join(folder, "key"), "latin1").split("\n")[1]!;
  const { size } = workers(server.pid);
  assert.equal(size, 2);
  const front = workers(server.pid).get("acceptutils: front")!;
  const tls = workers(server.pid).get("acceptutils: tls")!;
  // The search finds what is there: the name of the certificate's file is in the master's environment.
  assert.ok(memoryHolds(server.pid, certificate));
  for (const pid of [server.pid, front]) assert.ok(!memoryHolds(pid, secret), `the key is in process ${pid}`);
  // Files under /proc/PID belong to root as soon as a process may not be looked at.
  assert.equal(statSync(`/proc/${tls}/environ`).uid, 0);
  for (const entry of readdirSync(`/proc/${front}/fd`)) {
    assert.doesNotMatch(readlinkSync(`/proc/${front}/fd/${entry}`), /servercert/);
  }
  await server.stop();
});

/** Looks through all memory of a process that can be written. */
function memoryHolds(pid: number, text: string): boolean {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "latin1").split("\n")) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      const part = Buffer.alloc(Math.min(Number(BigInt(`0x${to}`) - BigInt(`0x${from}`)), 1 << 26));
      try {
        readSync(memory, part, 0, part.length, BigInt(`0x${from}`));
      } catch {
        continue; // reserved, not there
      }
      if (part.includes(text, 0, "latin1")) return true;
    }
    return false;
  } finally {
    closeSync(memory);
  }
}

for (const [name, words, env, why] of [
  ["without a certificate", ["127.0.0.1", "0", "cat"], { CERTFILE: "" }, /CERTFILE is not set/],
  [
    "with a certificate that is not there",
    ["127.0.0.1", "0", "cat"],
    { CERTFILE: "/nonexistent" },
    /\/nonexistent/,
  ],
  ["on an address that is not ours", ["192.0.2.1", "0", "cat"], {}, /unable to bind: address not available/],
] as const) {
  test(`${name} it does not start, and says why`, async () => {
    const child = spawn(sslserver, [...words], {
      env: { PATH: process.env["PATH"], CERTFILE: certificate, ...env, ...marked },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let log = "";
    child.stderr.on("data", (text) => (log += text));
    const [code] = await once(child, "close");
    assert.equal(code, 111);
    assert.match(log, /^sslserver: fatal: /);
    assert.match(log, why);
  });
}
