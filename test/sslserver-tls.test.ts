/** sslserver's certificates: replaced while it serves, by name, refused, protected; and those of clients. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { selfSigned } from "../src/system/home/certificate.ts";
import { root } from "./runner/case.ts";

const folder = mkdtempSync(join(tmpdir(), "sslserver-tls."));
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});
const at = (name: string) => join(folder, name);

/** Makes a certificate with its key in NAME.pem, by itself or by an authority. */
function make(name: string, host: string, by?: string): string {
  const issuer = by === undefined ? [] : ["-CA", at(`${by}.cert`), "-CAkey", at(`${by}.key`)];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
      ...["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`, ...issuer],
      ...["-keyout", at(`${name}.key`), "-out", at(`${name}.cert`)],
    ],
    { stdio: "ignore" },
  );
  writeFileSync(
    at(`${name}.pem`),
    readFileSync(at(`${name}.key`), "utf8") + readFileSync(at(`${name}.cert`), "utf8"),
  );
  return at(`${name}.pem`);
}

const first = make("first", "first.example");
const second = make("second", "second.example");
make("authority", "authority");
make("client", "client.example", "authority");
make("stranger", "stranger.example");

class Server {
  readonly child: ChildProcess;
  port = 0;
  log = "";

  constructor(
    env: Record<string, string>,
    words: readonly string[] = [],
    password?: string,
    program: readonly string[] = ["env"],
    withoutShell = false,
  ) {
    const launcher = [join(root, "build", "bin", "sslserver")];
    const direct = [process.execPath, join(root, "build", "app.cjs"), "sslserver"];
    const [command, ...before] = withoutShell ? direct : launcher;
    const marked = process.env["ACCEPTUTILS_TEST_RUN"];
    this.child = spawn(command!, [...before, "-1vRHse", ...words, "127.0.0.1", "0", ...program], {
      env: { PATH: process.env["PATH"], ...env, ...(marked && { ACCEPTUTILS_TEST_RUN: marked }) },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    running.add(this.child);
    this.child.on("exit", () => running.delete(this.child));
    this.child.stderr!.on("data", (text) => (this.log += text));
    (this.child.stdio[3] as import("node:net").Socket).on("error", () => {}).end(password ?? "");
  }

  async started(): Promise<this> {
    this.port = Number((await once(this.child.stdout!, "data"))[0]);
    await this.logs(/status: 0/);
    return this;
  }

  async logs(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.log)) await once(this.child.stderr!, "data");
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    await once(this.child, "close"); // when the log was read to its end
  }
}

function openssl(...words: readonly string[]): void {
  execFileSync("openssl", words, { stdio: "ignore" });
}

const to = (name: string) => ["-keyout", at(`${name}.key`), "-out", at(`${name}.cert`)];

/** What `env` says inside TLS, and for whom the server's certificate is. */
async function visit(port: number, options: ConnectionOptions = {}): Promise<{ env: string; host: string }> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
  await once(socket, "secureConnect");
  const host = String(socket.getPeerCertificate().subject.CN);
  let env = "";
  for await (const chunk of socket) env += chunk;
  return { env, host };
}

test("a certificate that was replaced is shown to the next client; one without its key never is", async () => {
  copyFileSync(first, at("served.pem"));
  const server = await new Server({ CERTFILE: at("served.pem") }).started();
  assert.equal((await visit(server.port)).host, "first.example");
  writeFileSync(
    at("served.pem"),
    readFileSync(at("first.key"), "utf8") + readFileSync(at("second.cert"), "utf8"),
  );
  await server.logs(/warning: new certificate is not used: .*served\.pem: .*mismatch/);
  assert.equal((await visit(server.port)).host, "first.example");
  copyFileSync(second, at("served.pem"));
  await server.logs(/certificate .*served\.pem was read again/);
  assert.equal((await visit(server.port)).host, "second.example");
  // The policy came with it.
  await assert.rejects(visit(server.port, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1" }));
  await server.stop();
});

test("a key that is not the certificate's: it does not start, and names the file", async () => {
  const server = new Server({ CERTFILE: at("first.cert"), KEYFILE: at("second.key") });
  const [code] = await once(server.child, "close");
  assert.equal(code, 111);
  assert.match(server.log, /^sslserver: fatal: unable to load certificate: .*first\.cert: .*mismatch$/m);
});

test("a client is shown the certificate for the name it asks for", async () => {
  const server = await new Server({
    CERTFILE: first,
    ACCEPTUTILS_CERTFILES: `second.example=${second}`,
  }).started();
  const named = await visit(server.port, { servername: "second.example" });
  assert.equal(named.host, "second.example");
  assert.match(named.env, /^SSL_SERVER_S_DN_CN=second\.example$/m);
  assert.match(named.env, /^SSL_TLS_SNI_SERVERNAME=second\.example$/m);
  const other = await visit(server.port, { servername: "other.example" });
  assert.equal(other.host, "first.example");
  assert.match(other.env, /^SSL_SERVER_S_DN_CN=first\.example$/m);
  await server.stop();
});

test("the password of a key comes on descriptor 3", async () => {
  const words = [
    "ec",
    "-in",
    at("first.key"),
    "-aes128",
    "-passout",
    "pass:open sesame",
    "-out",
    at("locked.key"),
  ];
  execFileSync("openssl", words, { stdio: "ignore" });
  const env = { CERTFILE: at("first.cert"), KEYFILE: at("locked.key") };
  const server = await new Server(env, ["-3"], "open sesame\0").started();
  assert.equal((await visit(server.port)).host, "first.example");
  await server.stop();
  assert.doesNotMatch(server.log, /sesame/);
});

test("a client certificate is required, of an authority we believe, for -z in the client's name", async () => {
  const env = { CERTFILE: first, CCAFILE: at("authority.cert") };
  const known = { cert: readFileSync(at("client.cert")), key: readFileSync(at("client.key")) };
  const unknown = { cert: readFileSync(at("stranger.cert")), key: readFileSync(at("stranger.key")) };
  const server = await new Server(env, ["-i"]).started();
  assert.match((await visit(server.port, known)).env, /^SSL_CLIENT_S_DN_CN=client\.example$/m);
  for (const client of [{}, unknown])
    assert.equal((await visit(server.port, client).catch(() => ({ env: "" }))).env, "");
  await server.stop();
  assert.match(server.log, /dropping SSL connection, .*no client certificate$/m);
  assert.match(server.log, /dropping SSL connection, .*unable to validate client certificate$/m);
  const named = await new Server(env, ["-z"]).started();
  assert.equal((await visit(named.port, known).catch(() => ({ env: "" }))).env, "");
  await named.stop();
  assert.match(named.log, /client hostname does not match certificate/);
});

make("middle", "middle", "authority");
make("lower", "lower", "middle");
make("near", "near.example", "middle");
make("far", "far.example", "lower");

for (const [depth, near, far] of [
  [undefined, true, false],
  ["0", false, false],
  ["2", true, true],
] as const) {
  test(`VERIFYDEPTH ${depth ?? "unset"}: so many authorities may stand between a client's and ours`, async () => {
    const env = { CERTFILE: first, CCAFILE: at("authority.cert"), ...(depth && { VERIFYDEPTH: depth }) };
    const server = await new Server(env, ["-i"]).started();
    const accepted = async (name: string, ...between: readonly string[]) => {
      const cert = [name, ...between].map((each) => readFileSync(at(`${each}.cert`), "utf8")).join("");
      const visited = visit(server.port, { cert, key: readFileSync(at(`${name}.key`)) });
      return (await visited.catch(() => ({ env: "" }))).env.includes(`SSL_CLIENT_S_DN_CN=${name}.example`);
    };
    assert.equal(await accepted("client"), true);
    assert.equal(await accepted("near", "middle"), near);
    assert.equal(await accepted("far", "lower", "middle"), far);
    await server.stop();
  });
}

test("a client certificate that is only asked for may be missing", async () => {
  const server = await new Server({ CERTFILE: first, CCAFILE: at("authority.cert") }).started();
  assert.match((await visit(server.port)).env, /^SSL_PROTOCOL=/m);
  await server.stop();
});

test("an expired certificate is shown, with a warning that names it", async () => {
  const day = 86_400_000;
  const pem = selfSigned({ names: ["old.example"], now: new Date(Date.now() - 1000 * day) });
  writeFileSync(at("expired.pem"), pem);
  const server = await new Server({ CERTFILE: at("expired.pem") }).started();
  assert.equal((await visit(server.port)).host, "old.example");
  await server.stop();
  assert.match(server.log, /^sslserver: warning: .*expired\.pem expired on \d{4}-\d\d-\d\d: clients/m);
});

test("at the start the log says what TLS is made of", async () => {
  const env = { CERTFILE: at("first.cert"), KEYFILE: at("first.key"), CCAFILE: at("authority.cert") };
  const server = await new Server(env).started();
  await server.stop();
  const said = server.log.match(/^sslserver: (cert|key|ccafile) \d+ \S+$/gm)?.map((line) => line.split(" "));
  assert.deepEqual(
    said?.map(([, word, pid, file]) => [word, pid, file]),
    [
      ["ccafile", at("authority.cert")],
      ["cert", at("first.cert")],
      ["key", at("first.key")],
    ].map(([word, file]) => [word, String(server.child.pid), file]),
  );
});

test("a session without an octet for as long as -w says ends", async () => {
  const server = await new Server({ CERTFILE: first }, ["-w1"], undefined, ["cat"]).started();
  const socket = connect({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false });
  socket.write("hello");
  assert.equal(String((await once(socket, "data"))[0]), "hello");
  await once(socket, "close");
  await server.stop();
});

test("a client that never begins its handshake is let go after -T", async () => {
  const server = await new Server({ CERTFILE: first }, ["-T1"]).started();
  const socket = connectTcp({ port: server.port, host: "127.0.0.1" });
  socket.resume();
  await once(socket, "close");
  await server.stop();
  assert.match(server.log, /warning: dropping SSL connection, unable to accept SSL: timed out$/m);
});

for (const [kind, words] of [
  ["RSA", ["rsa:2048"]],
  ["ECDSA P-384", ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]],
  ["Ed25519", ["ed25519"]],
] as const) {
  test(`a key may be ${kind}, for TLS 1.2 and 1.3, with AEAD ciphers alone`, async () => {
    const name = kind.replace(/\W/g, "");
    openssl("req", "-x509", "-newkey", ...words, "-nodes", "-days", "2", "-subj", "/CN=x", ...to(name));
    const server = await new Server({ CERTFILE: at(`${name}.cert`), KEYFILE: at(`${name}.key`) }).started();
    const { env: two } = await visit(server.port, { maxVersion: "TLSv1.2" });
    assert.match(two, /^SSL_PROTOCOL=TLSv1\.2$/m);
    assert.match(two, /^SSL_CIPHER=ECDHE-\S+-(GCM-SHA\d+|POLY1305)$/m);
    const { env: three } = await visit(server.port, { minVersion: "TLSv1.3" });
    assert.match(three, /^SSL_PROTOCOL=TLSv1\.3$/m);
    const weak = {
      maxVersion: "TLSv1.2",
      ciphers: "ECDHE+AES128+SHA256:ECDHE+AES256+SHA384:AES128-SHA",
    } as const;
    await assert.rejects(visit(server.port, { ...weak, ciphers: `${weak.ciphers}:!AESGCM:!CHACHA20` }));
    await server.stop();
  });
}

test("CIPHERS and DHFILE are those of TLS 1.2; what OpenSSL does not know is refused, with its name", async () => {
  const group = ["-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"];
  openssl("genpkey", "-genparam", ...group, "-out", at("dh.pem"));
  openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x", ...to("dh"));
  const env = { CERTFILE: at("dh.cert"), KEYFILE: at("dh.key"), DHFILE: at("dh.pem") };
  const server = await new Server({ ...env, CIPHERS: "DHE-RSA-AES256-GCM-SHA384" }).started();
  const { env: two } = await visit(server.port, { maxVersion: "TLSv1.2", ciphers: "HIGH" });
  assert.match(two, /^SSL_CIPHER=DHE-RSA-AES256-GCM-SHA384$/m);
  const { env: three } = await visit(server.port);
  assert.match(three, /^SSL_PROTOCOL=TLSv1\.3$/m);
  await server.stop();
  for (const [wrong, why] of [
    [{ CIPHERS: "NO-SUCH-CIPHER" }, /^sslserver: fatal: .*CIPHERS="NO-SUCH-CIPHER": OpenSSL knows no such/m],
    [{ DHFILE: at("dh.cert") }, /^sslserver: fatal: .*dh\.cert: no "BEGIN DH PARAMETERS" in it/m],
    [{ DHFILE: at("nowhere") }, /^sslserver: fatal: .*nowhere/m],
  ] as const) {
    const refused = new Server({ ...env, ...wrong });
    assert.equal((await once(refused.child, "close"))[0], 111);
    assert.match(refused.log, why);
  }
});

test("no tickets: neither with TLS 1.2 nor with TLS 1.3", async () => {
  const server = await new Server({ CERTFILE: first }, [], undefined, ["cat"]).started();
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    const socket = connect({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false, maxVersion });
    let sessions = 0;
    socket.on("session", () => (sessions += 1));
    socket.write("hello"); // its echo comes after any ticket
    await once(socket, "data");
    assert.equal(socket.getTLSTicket(), undefined, maxVersion);
    if (maxVersion === "TLSv1.3") assert.equal(sessions, 0);
    socket.destroy();
    await once(socket, "close");
  }
  await server.stop();
});

test("CADIR: its certificates are believed", async () => {
  mkdirSync(at("authorities"));
  copyFileSync(at("authority.cert"), at("authorities/one.pem"));
  symlinkSync("one.pem", at("authorities/0123abcd.0"));
  const server = await new Server({ CERTFILE: first, CADIR: at("authorities") }, ["-i"]).started();
  const client = { cert: readFileSync(at("client.cert")), key: readFileSync(at("client.key")) };
  assert.match((await visit(server.port, client)).env, /^SSL_CLIENT_S_DN_CN=client\.example$/m);
  await server.stop();
});

test("the variables CERTFILE:name reach it where no shell is in between", async () => {
  const env = { CERTFILE: first, "CERTFILE:second.example": second };
  const server = await new Server(env, [], undefined, ["env"], true).started();
  assert.equal((await visit(server.port, { servername: "second.example" })).host, "second.example");
  await server.stop();
});
