/** Logging in by a client certificate (AUTH EXTERNAL), from a real TLS handshake to the program that serves the user. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { formatUser } from "../../src/control/users.ts";
import { cheapHash } from "../backends/hashes.ts";
import { root } from "../runner/case.ts";
import { missing, run } from "./command.ts";

const noOpenssl = missing("openssl");
const isRoot = process.getuid!() === 0;
/** A user who may become himself: root is turned away. */
const [uid, gid] = isRoot ? [64_995, 64_994] : [process.getuid!(), process.getgid!()];
const folder = mkdtempSync(join(tmpdir(), "external."));
const at = (name: string) => join(folder, name);

/** Makes NAME.cert and NAME.key, by itself or by an authority. */
function make(name: string, subject: string, names: string, by?: string): void {
  const issuer = by === undefined ? [] : ["-CA", at(`${by}.cert`), "-CAkey", at(`${by}.key`)];
  const words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const what = ["-days", "2", "-subj", subject, "-addext", `subjectAltName=${names}`, ...issuer];
  const files = ["-keyout", at(`${name}.key`), "-out", at(`${name}.cert`)];
  execFileSync("openssl", [...words, ...what, ...files], { stdio: "ignore" });
}

before(() => {
  if (noOpenssl) return;
  chmodSync(folder, 0o755);
  for (const name of ["control", "users"]) mkdirSync(at(name));
  make("server", "/CN=mx.example", "DNS:mx.example,IP:127.0.0.1");
  make("authority", "/CN=authority", "DNS:authority.example");
  make("elsewhere", "/CN=authority", "DNS:authority.example"); // the same name, another key
  make("alice", "/O=Example/CN=Alice", "email:alice@mx.example", "authority");
  make("both", "/CN=both", "DNS:both.example", "authority");
  make("nobody", "/CN=nobody", "email:nobody@mx.example", "authority");
  make("impostor", "/O=Example/CN=Alice", "email:alice@mx.example", "elsewhere");
  const user = (name: string, hash: string, as = { uid, gid }) =>
    formatUser({ name, hash, ...as, gecos: "", home: folder, shell: "/bin/sh" });
  const hash = cheapHash("AlicePw1");
  const lines = [user("alice", hash), user("bob", hash), user("locked", "*")];
  for (const [name, text] of Object.entries({
    "control/me": "mx.example",
    "control/smtpcapabilities": "8BITMIME",
    "control/pop3capabilities": "TOP",
    "control/authmechanisms": "EXTERNAL\nPLAIN",
    "control/certificateusers":
      "alice email:alice@mx.example\nbob subject:CN=both\nlocked subject:CN=both\nghost subject:CN=both",
    "users/passwd": lines.join("\n"),
  }))
    writeFileSync(at(name), `${text}\n`, { mode: name.startsWith("users") ? 0o600 : 0o644 });
  copyFileSync(join(root, "examples", "fixsmtpio", "fixsmtpio"), at("control/fixsmtpio"));
});
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");

/** sslserver with authup and our checkpassword in front of `programs`, for as long as `visit` takes. All that it logged. */
async function serving(
  { protocol, words, programs, env = {} }: Served,
  visit: (port: number) => Promise<void>,
): Promise<string> {
  const chain = ["authup", "-t", "3", protocol, "checkpassword", "checknotroot", ...programs];
  const marked = process.env["ACCEPTUTILS_TEST_RUN"];
  const server = spawn(join(root, "build", "bin", "sslserver"), [...words, "127.0.0.1", "0", ...chain], {
    env: {
      PATH: `${join(root, "build", "bin")}:/usr/bin:/bin`,
      ACCEPTUTILS_HOME: folder,
      CERTFILE: at("server.cert"),
      KEYFILE: at("server.key"),
      CCAFILE: at("authority.cert"),
      ...env,
      ...(marked && { ACCEPTUTILS_TEST_RUN: marked }),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(server);
  let log = "";
  server.stderr.setEncoding("latin1").on("data", (text: string) => (log += text));
  try {
    await visit(Number((await once(server.stdout, "data", { signal: AbortSignal.timeout(60_000) }))[0]));
  } catch (error) {
    throw new Error(
      `${error}
${log}`,
      { cause: error },
    );
  } finally {
    server.kill("SIGTERM");
    await once(server, "close");
    running.delete(server);
  }
  return log;
}

interface Served {
  readonly protocol: "smtp" | "pop3";
  readonly words: readonly string[];
  readonly programs: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What is said to a client with that certificate, who sends each line when the one before was answered. */
async function dialogue(
  port: number,
  certificate: string | undefined,
  lines: readonly string[],
): Promise<string[]> {
  const shown =
    certificate === undefined
      ? {}
      : { cert: readFileSync(at(`${certificate}.cert`)), key: readFileSync(at(`${certificate}.key`)) };
  const socket = connect({
    port,
    host: "127.0.0.1",
    ca: readFileSync(at("server.cert")),
    servername: "mx.example",
    ...shown,
  });
  socket.setTimeout(30_000, () => socket.destroy(new Error("nothing is said")));
  const waiting = [...lines];
  const said: string[] = [];
  for await (const line of createInterface({ input: socket })) {
    said.push(line);
    if (/^(?:\d{3}-|[A-Z][A-Z\d]+(?:[ -]|$))/.test(line)) continue; // a capability
    const next = waiting.shift();
    if (next === undefined) break;
    socket.write(`${next}\r\n`);
  }
  socket.destroy();
  return said;
}

/** Stands for a server: greets whom it serves, as whom it runs, and goes. */
const greeter = ["sh", "-c", 'printf "%s\\r\\n" "$1 $AUTHUP_USER $(id -u)"', "sh"];

for (const [protocol, ok, hello, refused, unimplemented] of [
  [
    "smtp",
    "235",
    "EHLO client.example",
    "535 authup authorization failed (#5.7.0)",
    "504 authup auth type unimplemented (#5.5.1)",
  ],
  ["pop3", "+OK", "CAPA", "-ERR [AUTH] authup authorization failed", "-ERR authup auth type unimplemented"],
] as const) {
  test(`${protocol}: a certificate lets in those it stands for, and nobody else`, {
    skip: noOpenssl,
  }, async () => {
    const served = { protocol, words: ["-1Rse"], programs: [...greeter, ok] };
    const log = await serving(served, async (port) => {
      const last = async (certificate: string | undefined, ...lines: string[]) =>
        (await dialogue(port, certificate, lines)).at(-1);
      const capabilities = async (certificate?: string) =>
        (await dialogue(port, certificate, [hello, "QUIT"])).find((line) => /AUTH |^SASL /.test(line));
      assert.match((await capabilities("alice")) ?? "", /(?:AUTH|SASL) EXTERNAL PLAIN$/);
      assert.match((await capabilities()) ?? "", /(?:AUTH|SASL) PLAIN$/);

      assert.equal(await last("alice", "AUTH EXTERNAL ="), `${ok} alice ${uid}`);
      assert.equal(await last("alice", `AUTH EXTERNAL ${base64("alice")}`), `${ok} alice ${uid}`);
      assert.equal(await last("both", "AUTH EXTERNAL", ""), `${ok} bob ${uid}`);

      assert.equal(await last(undefined, "AUTH EXTERNAL ="), unimplemented, "no certificate");
      assert.equal(await last("nobody", "AUTH EXTERNAL ="), refused, "one that is not in the file");
      assert.equal(await last("nobody", `AUTH EXTERNAL ${base64("alice")}`), refused);
      assert.equal(await last("alice", `AUTH EXTERNAL ${base64("bob")}`), refused, "another user's");
      assert.equal(await last("both", `AUTH EXTERNAL ${base64("locked")}`), refused);
      assert.equal(
        await last("both", `AUTH EXTERNAL ${base64("ghost")}`),
        refused,
        "in the file, but no user",
      );
      const right = `AUTH PLAIN ${base64("\0alice\0AlicePw1")}`;
      assert.equal(
        await last("nobody", "AUTH EXTERNAL =", right),
        `${ok} alice ${uid}`,
        "a password still does",
      );

      // TLS 1.3: the client believes itself connected before we have seen its certificate.
      const impostor = await last("impostor", "AUTH EXTERNAL =").catch(() => undefined);
      assert.equal(impostor, undefined, "signed by somebody else of the same name");
    });
    assert.match(log, /dropping SSL connection, .*unable to validate client certificate/);
  });
}

test("gsasl: EXTERNAL after STARTTLS, to a whole chain of submission", {
  skip: noOpenssl || missing("gsasl"),
}, async () => {
  const served = {
    protocol: "smtp",
    words: ["-1Rnei"],
    programs: ["fixsmtpio", "ofmipd"],
    env: { UCSPITLS: "!", RELAYCLIENT: "" },
  } as const;
  const log = await serving(served, async (port) => {
    const login = async (certificate: string) => {
      const { all } = await run([
        ...["gsasl", "--smtp", "--no-client-first", "--verbose", "--mechanism", "EXTERNAL"],
        ...["--authorization-id", "alice", "--hostname", "mx.example", "--x509-ca-file", at("server.cert")],
        ...["--x509-cert-file", at(`${certificate}.cert`), "--x509-key-file", at(`${certificate}.key`)],
        ...["--connect", `127.0.0.1:${port}`],
      ]);
      return all;
    };
    const accepted = await login("alice");
    assert.match(accepted, /^235 /m, accepted);
    const refused = await login("nobody");
    assert.match(refused, /^535 authup authorization failed/m, refused);
    assert.doesNotMatch(refused, /^235 /m);
  });
  assert.match(log, / checkpassword \d+ attempt for alice$/m);
  assert.match(log, / checkpassword \d+ succeeded, child completed$/m);
});
