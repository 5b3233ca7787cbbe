/**
 * s6-tlsd and s6-ucspitlsd in front of programs that are not ours, in workers and as processes: certificates, clients,
 * exit codes; and what of the key can be seen from outside.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { after, test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { missing } from "./clients/command.ts";
import { logged, type Server, UcspiListeners } from "./runner/ucspi-listeners.ts";

const listeners = new UcspiListeners();
after(() => listeners.close());
const at = (name: string) => join(listeners.folder, name);
const isRoot = process.getuid!() === 0;

/** As a process under Debian's tcpserver it is whoever that is; in a worker the front is nobody. */
const noTcpserver = missing("tcpserver");
const hosts = {
  "in a worker": {
    skip: false,
    serving: (words: readonly string[], env: Record<string, string> = {}) =>
      listeners.running("s6-tcpserver", ["-1v", "127.0.0.1", "0", ...words], env),
  },
  "under Debian's tcpserver": {
    skip: noTcpserver,
    serving: (words: readonly string[], env: Record<string, string> = {}) =>
      listeners.running("/usr/bin/tcpserver", ["-1vRHl0", "127.0.0.1", "0", ...words], env),
  },
} as const;

/** Makes NAME.key and NAME.cert, by itself or by an authority. */
function make(name: string, host: string, by?: string): void {
  const issuer = by === undefined ? [] : ["-CA", at(`${by}.cert`), "-CAkey", at(`${by}.key`)];
  const words = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
  ];
  execFileSync(
    "openssl",
    [...words, "-subj", `/CN=${host}`, ...issuer, "-keyout", at(`${name}.key`), "-out", at(`${name}.cert`)],
    { stdio: "ignore" },
  );
}
make("other", "other.example");
make("authority", "authority");
make("client", "client.example", "authority");
make("stranger", "client.example");

async function securely(server: Server, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
  await once(socket, "secureConnect");
  return socket;
}

async function everything(socket: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

const visit = async (server: Server, options?: ConnectionOptions) =>
  everything(await securely(server, options));

/** The log since the last call, once a session has ended. */
async function endOf(server: Server): Promise<string> {
  await logged(server, /\bend (pid )?\d+ .*\n[\s\S]*status: 0/);
  const { log } = server;
  server.log = "";
  return log;
}

for (const [where, { skip, serving }] of Object.entries(hosts)) {
  test(`s6-tlsd ${where}: env is inside TLS, and told of it`, { skip }, async () => {
    const server = await serving(["s6-tlsd", "env"], { SSL_PEER_CERT_HASH: "stale" });
    const env = await visit(server, { servername: "mx.example" });
    assert.match(env, /^SSL_PROTOCOL=TLSv1\.3$/m);
    assert.match(env, /^SSL_CIPHER=TLS_AES_\w+$/m);
    assert.match(env, /^SSL_TLS_SNI_SERVERNAME=mx\.example$/m);
    assert.doesNotMatch(env, /^(SSL_PEER_CERT_HASH|KEYFILE|CERTFILE|SSL(CTL|READ|WRITE)FD)=/m);
    await endOf(server);
  });

  test(`s6-tlsd ${where}: the program's exit code is seen; without a handshake it is 98`, {
    skip,
  }, async () => {
    const server = await serving(["s6-tlsd", "sh", "-c", "exit 7"]);
    await visit(server);
    assert.match(await endOf(server), /exitcode 7 |status 1792$/m);
    const socket = connect({ port: server.port, host: "127.0.0.1" });
    socket.on("error", () => {}).end("this is no TLS\r\n");
    await once(socket, "close");
    const log = await endOf(server);
    assert.match(log, /^s6-tlsd-io: fatal: unable to accept SSL: /m);
    assert.match(log, /exitcode 98 |status 25088$/m);
  });

  test(`s6-tlsd -k ${where}: certificates by name, and only by name`, { skip }, async () => {
    const pair = { "KEYFILE:other.example": at("other.key"), "CERTFILE:other.example": at("other.cert") };
    const hostOf = async (server: Server, servername: string) => {
      const socket = await securely(server, { servername });
      const { CN } = socket.getPeerCertificate().subject;
      await everything(socket);
      await endOf(server);
      return CN;
    };
    const some = await serving(["s6-tlsd", "-k1", "true"], pair);
    assert.equal(await hostOf(some, "other.example"), "other.example");
    assert.equal(await hostOf(some, "third.example"), "mail.example.org");
    const only = await serving(["s6-tlsd", "-k2", "true"], { ...pair, KEYFILE: "", CERTFILE: "" });
    assert.equal(await hostOf(only, "OTHER.example"), "other.example");
    await assert.rejects(securely(only, { servername: "third.example" }));
    await endOf(only);
    assert.equal(await visit(only).catch(() => ""), "");
    assert.match(await endOf(only), /the client asked for no name/);
  });

  test(`s6-tlsd -y and -Y ${where}: certificates of clients`, { skip }, async () => {
    const credentials = (name: string) => ({
      cert: readFileSync(at(`${name}.cert`)),
      key: readFileSync(at(`${name}.key`)),
    });
    const env = { CAFILE: at("authority.cert") };
    const must = await serving(["s6-tlsd", "-y", "env"], env);
    const known = await visit(must, credentials("client"));
    assert.match(known, /^SSL_PEER_CERT_HASH=SHA256:[0-9a-f]{64}$/m);
    assert.match(known, /^SSL_PEER_CERT_SUBJECT=\/CN=client\.example$/m);
    await endOf(must);
    for (const [options, why] of [
      [{}, /no client certificate/],
      [credentials("stranger"), /unable to validate client certificate/],
    ] as const) {
      assert.equal(await visit(must, options).catch(() => ""), "");
      assert.match(await endOf(must), why);
    }
    const may = await serving(["s6-tlsd", "-Y", "env"], env);
    assert.match(await visit(may), /^SSL_PROTOCOL=/m);
    await endOf(may);
    assert.equal(await visit(may, credentials("stranger")).catch(() => ""), "");
    await endOf(may);
  });

  test(`s6-tlsd -J ${where}: a client that goes without a word is in the log`, { skip }, async () => {
    const server = await serving(["s6-tlsd", "-J", "cat"]);
    const polite = await securely(server);
    polite.end("hello");
    assert.equal(await everything(polite), "hello");
    assert.doesNotMatch(await endOf(server), /did not end TLS/);
    const raw = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    // With a stream between, the connection can be ended below TLS.
    const between: unknown = { readable: raw, writable: raw };
    const rude = connectTls({ socket: Duplex.from(between as Duplex), rejectUnauthorized: false });
    rude.on("error", () => {});
    await once(rude, "secureConnect");
    rude.write("hello");
    await once(rude, "data");
    raw.end();
    await logged(server, /^s6-tlsd-io: fatal: the client did not end TLS before the connection$/m);
    await endOf(server);
  });

  const noMailfront = existsSync("/usr/sbin/mailfront") ? skip : "mailfront is not installed";
  test(`s6-ucspitlsd ${where}: mailfront, which asks with y and reads nothing`, {
    skip: noMailfront,
  }, async () => {
    const words = ["s6-ucspitlsd", "--", "/usr/sbin/mailfront", "smtp", "echo", "starttls-ucspi"];
    const server = await serving(words);
    const socket = connect({ port: server.port, host: "127.0.0.1" });
    const hears = async (from: NodeJS.ReadableStream, pattern: RegExp) => {
      let text = "";
      while (!pattern.test(text)) text += (await once(from, "data"))[0];
      return text;
    };
    await hears(socket, /^220 .*\r\n/);
    socket.write("EHLO client.example\r\n");
    assert.match(await hears(socket, /^250 .*\r\n/m), /^250-STARTTLS\r$/m);
    socket.write("STARTTLS\r\n");
    await hears(socket, /^220 .*\r\n/);
    const tls = connectTls({ socket, rejectUnauthorized: false });
    await once(tls, "secureConnect");
    tls.write("EHLO client.example\r\n");
    assert.doesNotMatch(await hears(tls, /^250 .*\r\n/m), /STARTTLS/);
    tls.end("QUIT\r\n");
    assert.match(await everything(tls), /^221 /);
    assert.match(await endOf(server), /exitcode 0 |status 0$/m);
  });
}

/** Asks as `words` say, one write each, and says inside TLS what it was answered. */
const asker = at("asker.pl");
writeFileSync(
  asker,
  `#!/usr/bin/perl
my ($control, $read, $write) = @ENV{qw(SSLCTLFD SSLREADFD SSLWRITEFD)};
open(my $ctl, '+<&=', $control) or die;
$SIG{PIPE} = 'IGNORE';
syswrite(STDOUT, "go\\n");
syswrite($ctl, $_) for @ARGV;
my $answer = '';
1 while sysread($ctl, $answer, 4096, length $answer);
open(my $out, '>&=', $write) or die;
syswrite($out, length($answer) . " octets, " . ($answer =~ tr/\\0//) . " NULs\\n");
open(my $in, '<&=', $read) or die;
print STDERR "inside: $_" while <$in>;
`,
  { mode: 0o755 },
);
const servers = [
  ...Object.entries(hosts).map(([where, { skip, serving }]) => ({
    where: `s6-ucspitlsd ${where}`,
    skip,
    serve: (words: readonly string[]) => serving(["s6-ucspitlsd", "--", ...words]),
  })),
  {
    where: "sslserver -n",
    skip: false,
    serve: (words: readonly string[]) =>
      listeners.running("sslserver", ["-1vneRHl0", "127.0.0.1", "0", ...words], {}),
  },
];
for (const { where, skip, serve } of servers) {
  for (const [how, words] of [
    ["once", ["Y"]],
    ["twice at once", ["YY"]],
    ["twice", ["Y", "Y"]],
    ["again without a report", ["Y", "y"]],
    ["and goes on talking", ["Y", "EHLO x"]],
  ] as const) {
    test(`${where}: a program that asks ${how} gets TLS, and one answer to its end`, { skip }, async () => {
      const server = await serve([asker, ...words]);
      const socket = connect({ port: server.port, host: "127.0.0.1" });
      await once(socket, "data");
      const tls = connectTls({ socket, rejectUnauthorized: false });
      tls.write("hello\n");
      const [said] = await once(tls, "data");
      assert.match(String(said), /^\d{2,} octets, \d+ NULs\n$/);
      tls.end();
      await logged(server, /^inside: hello$/m);
      await endOf(server);
    });
  }

  test(`${where}: a program that asks for what there is not gets the end`, { skip }, async () => {
    const server = await serve([asker, "EHLO x"]);
    const socket = connect({ port: server.port, host: "127.0.0.1" });
    socket.on("error", () => {});
    assert.match(await everything(socket), /^go\n/);
    assert.match(await endOf(server), /unrecognized command on control socket/);
  });
}

/** What fixsmtpio needs of a home. */
mkdirSync(at("home/control"), { recursive: true });
writeFileSync(at("home/control/me"), "mx.example\n");
writeFileSync(at("home/control/fixsmtpio"), ":ehlo::2*::&fixsmtpio_fixup\nFIXSMTPIOTLS:greeting::2*::\n");
const home = { ACCEPTUTILS_HOME: at("home") };

test("descriptors that are not those of UCSPI-TLS are left alone, and the session ends", () => {
  for (const [control, read, write] of [
    ["1", "0", "2"],
    ["0", "0", "1"],
    ["3", "4", "5"],
    ["999999", "10", "11"],
    ["-1", "1e1", "0x3"],
  ]) {
    const { status, stdout, stderr } = spawnSync(
      join(listeners.bin, "fixsmtpio"),
      ["sh", "-c", "echo 220 x; while read line; do echo 250 ok; done"],
      {
        env: { ...listeners.environment, ...home, SSLCTLFD: control, SSLREADFD: read, SSLWRITEFD: write },
        input: "STARTTLS\r\n",
        encoding: "latin1",
      },
    );
    assert.equal(stdout, "220 x\n220 Ready to start TLS (#5.7.0)\r\n", `${control} ${read} ${write}`);
    assert.equal(status, 1);
    assert.equal(stderr, "fixsmtpio: TLS temporarily not available\n");
  }
});

const noMailfrontHere = existsSync("/usr/sbin/mailfront") ? noTcpserver : "mailfront is not installed";
test("our fixsmtpio in front of mailfront, as processes under s6-ucspitlsd", {
  skip: noMailfrontHere,
}, async () => {
  const chain = ["s6-ucspitlsd", "--", "fixsmtpio", "/usr/sbin/mailfront", "smtp", "echo"];
  const server = await hosts["under Debian's tcpserver"].serving(chain, home);
  const socket = connect({ port: server.port, host: "127.0.0.1" });
  await once(socket, "data");
  socket.write("EHLO client.example\r\n");
  assert.match(String((await once(socket, "data"))[0]), /^250-STARTTLS\r$/m);
  socket.write("STARTTLS\r\n");
  assert.match(String((await once(socket, "data"))[0]), /^220 /);
  const tls = connectTls({ socket, rejectUnauthorized: false });
  await once(tls, "secureConnect");
  tls.write("EHLO client.example\r\n");
  assert.doesNotMatch(String((await once(tls, "data"))[0]), /STARTTLS/);
  tls.end("QUIT\r\n");
  assert.match(await everything(tls), /^221 /);
  assert.match(await endOf(server), /status 0$/m);
});

test("s6-ucspitlsd -v 2 tells who did and who did not start TLS", { skip: noTcpserver }, async () => {
  const server = await hosts["under Debian's tcpserver"].serving(["s6-ucspitlsd", "-v2", "true"]);
  await everything(connect({ port: server.port, host: "127.0.0.1" }));
  await logged(server, /^s6-ucspitlsd: info: pid \d+ declined opportunistic TLS$/m);
  await endOf(server);
});

test("a key that cannot be read: exit code 96 as a process, no start in a worker", {
  skip: noTcpserver,
}, async () => {
  const env = { KEYFILE: at("nowhere.key") };
  const server = await hosts["under Debian's tcpserver"].serving(["s6-tlsd", "env"], env);
  await visit(server).catch(() => {});
  const log = await endOf(server);
  assert.match(log, /^s6-tlsd-io: fatal: .*nowhere\.key/m);
  assert.match(log, /status 24576$/m);
  for (const [name, value] of Object.entries({ KEYFILE: at("nowhere.key"), CERTFILE: "" })) {
    const { status, stderr } = spawnSync(
      join(listeners.bin, "s6-tcpserver"),
      ["127.0.0.1", "0", "s6-tlsd", "env"],
      { env: { ...listeners.environment, [name]: value }, encoding: "utf8" },
    );
    assert.equal(status, 111);
    assert.match(stderr, new RegExp(`^s6-tcpserver: fatal: .*(nowhere\\.key|${name} is not set)`));
  }
});

for (const [name, words] of [
  ["s6-tcpserver", ["-c", "many", "127.0.0.1", "0", "true"]],
  ["s6-tcpserver6", ["127.0.0.1"]],
  ["s6-tcpserver-access", ["-q", "true"]],
  ["s6-ucspitlsd", []],
  ["s6-tlsd", ["-d", "3", "true"]],
  ["s6-tlsd-io", ["3", "x"]],
] as const) {
  test(`${name} ${words.join(" ")}: usage, exit code 100`, () => {
    const { status, stderr } = spawnSync(join(listeners.bin, name), words, { encoding: "utf8" });
    assert.equal(status, 100);
    assert.match(stderr, new RegExp(`^${name}: usage: ${name} `, "m"));
  });
}

/** The processes whose command line has `words`, or whose title it is. */
function processes(words: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").includes(words);
      } catch {
        return false; // it has ended meanwhile
      }
    })
    .map(Number);
}

const idOf = (pid: number, what: "Uid" | "Gid" | "Groups") =>
  new RegExp(`^${what}:\\s+(.*?)\\s*$`, "m").exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];

/** What somebody who is not root can do to a process and a file. */
function attempt(uid: number, path: string): string {
  const script = `POSIX::setuid(${uid}); print open(my $f, '<', '${path}') ? 'open' : "$!";`;
  return spawnSync("perl", ["-MPOSIX", "-e", script], { encoding: "utf8" }).stdout;
}

for (const [where, { skip, serving }] of Object.entries(hosts)) {
  const inWorker = where === "in a worker";
  const why = !isRoot ? "needs root, to be several users" : inWorker ? skip : skip || missing("s6-setuidgid");
  test(`${where} the key is with somebody else, who has no file of it and whose memory is closed`, {
    skip: why,
  }, async () => {
    const [tlsUid, tlsGid, uid] = [64_801, 64_802, 64_803];
    const words = ["s6-ucspitlsd", "--", "s6-setuidgid", `${uid}:${uid}`, "cat"];
    const server = await serving(words, { TLS_UID: `${tlsUid}`, TLS_GID: `${tlsGid}` });
    const socket = connect({ port: server.port, host: "127.0.0.1" });
    socket.write("here\n");
    await once(socket, "data");
    const family = new Set(descendants(server.child.pid!));
    const keepers = processes(inWorker ? "acceptutils: tls" : "s6-tlsd-io --on-demand").filter((pid) =>
      family.has(pid),
    );
    assert.equal(keepers.length, 1);
    const keeper = keepers[0]!;
    // As a process it is loaded, and has read the key, before it becomes anybody: until then it waits for nobody's bytes.
    while (idOf(keeper, "Uid") === "0\t0\t0\t0") await later(10);
    assert.equal(idOf(keeper, "Uid"), Array(4).fill(tlsUid).join("\t"));
    assert.equal(idOf(keeper, "Gid"), Array(4).fill(tlsGid).join("\t"));
    assert.equal(idOf(keeper, "Groups"), `${tlsGid}`);
    const files = readdirSync(`/proc/${keeper}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${keeper}/fd/${fd}`);
      } catch {
        return "";
      }
    });
    assert.deepEqual(
      files.filter((file) => file.includes(listeners.folder)),
      [],
    );
    for (const somebody of [uid, tlsUid]) {
      assert.equal(attempt(somebody, `/proc/${keeper}/mem`), "Permission denied");
      assert.equal(attempt(somebody, listeners.key), "Permission denied");
    }
    // Whoever sees the client is neither root nor has the key in memory or environment.
    const cats = processes("cat").filter((pid) => family.has(pid) && /^cat\0/.test(commandOf(pid)));
    assert.equal(cats.length, 1);
    assert.equal(idOf(cats[0]!, "Uid"), Array(4).fill(uid).join("\t"));
    assert.doesNotMatch(readFileSync(`/proc/${cats[0]!}/environ`, "latin1"), /KEYFILE|CERTFILE|TLS_UID/);
    socket.end();
    await endOf(server);
  });
}

const commandOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, "latin1");

function childrenOf(pid: number, task: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/task/${task}/children`, "latin1").trim().split(" ");
  } catch {
    return []; // a thread that has ended meanwhile
  }
}

function descendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => childrenOf(pid, task));
  const found = children.filter((child) => child !== "").map(Number);
  return [...found, ...found.flatMap(descendants)];
}
