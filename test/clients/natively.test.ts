/** Each program as a process of its own, joined to the next by exec, under somebody else's server. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { root } from "../runner/case.ts";
import { missing, pathOf, run } from "./command.ts";
import { Client, plain } from "./smtp-client.ts";

const folder = mkdtempSync(join(tmpdir(), "natively-"));
const home = join(folder, "home");
const path = `${join(home, "bin")}:${join(root, "build", "bin")}:${process.env["PATH"]}`;
const env = { ACCEPTUTILS_HOME: home, PATH: path };
/** Root is refused by checknotroot, and by good sense. */
const nobody = 65534;
const servers: ChildProcess[] = [];

const control: Readonly<Record<string, string>> = {
  me: "mail.example",
  rcpthosts: "mail.example",
  locals: "mail.example",
  smtpcapabilities: "PIPELINING\n8BITMIME",
  pop3capabilities: "TOP\nUIDL",
  fixsmtpio: "AUTHUP_USER:greeting::2*::235 ok, go ahead (#2.0.0)\nAUTHUP_USER:clienteof::*:0:",
};
for (const name of ["control", "bin", "out", "Maildir/new", "Maildir/cur", "Maildir/tmp"])
  mkdirSync(join(home, name), { recursive: true });
for (const [name, text] of Object.entries(control)) writeFileSync(join(home, "control", name), `${text}\n`);
writeFileSync(join(home, "Maildir", "new", "1700000000.1.test"), "Subject: one\n\nfirst\n");
/** Stands in for checkpassword: lets anybody in who has a password. */
program("let-in", 'head -c 100 <&3 >/dev/null; exec 3<&-; exec "$@"');
/** Stands in for qmail-queue: keeps the message. */
program("qmail-queue", `cat > ${home}/out/message; cat <&1 > ${home}/out/envelope`);
for (const name of ["", "out", "Maildir", "Maildir/new", "Maildir/cur", "Maildir/tmp"])
  chmodSync(join(home, name), 0o777);
chmodSync(folder, 0o755);

after(async () => {
  for (const server of servers) {
    const gone = once(server, "exit");
    server.kill("SIGTERM");
    await gone;
  }
  rmSync(folder, { recursive: true });
});

function program(name: string, script: string): void {
  writeFileSync(join(home, "bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

test("printf | authup smtp false", async () => {
  const { out, code } = await run(["authup", "smtp", "false"], { input: "EHLO x\r\nQUIT\r\n", env });
  assert.equal(
    out,
    "220 mail.example ESMTP\r\n250-mail.example\r\n250-AUTH LOGIN PLAIN\r\n250-PIPELINING\r\n250 8BITMIME\r\n221 mail.example\r\n",
  );
  assert.equal(code, 0);
});

test("printf | fixsmtpio ofmipd", async () => {
  const { out, code } = await run(["fixsmtpio", "ofmipd"], { input: "EHLO x\r\nQUIT\r\n", env });
  assert.match(out, /^220 \S+ ESMTP\r\n250-\S+\r\n250-PIPELINING\r\n250 8BITMIME\r\n221 \S+\r\n$/);
  assert.equal(code, 0);
});

test("printf | fixsmtpio qmail-smtpd", async () => {
  const { out, code } = await run(["fixsmtpio", "qmail-smtpd"], {
    input: "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nQUIT\r\n",
    env: { ...env, TCPREMOTEIP: "192.0.2.1" },
  });
  assert.match(out, /^553 /m);
  assert.equal(code, 0);
});

test("printf | qmail-pop3d Maildir", async () => {
  const { out, code } = await run(["qmail-pop3d", "Maildir"], {
    input: "LIST\r\nRETR 1\r\nQUIT\r\n",
    env,
    cwd: home,
  });
  assert.match(out, /^\+OK \r\n\+OK \r\n1 \d+\r\n\.\r\n\+OK \r\nSubject: one\r\n\r\nfirst\r\n/);
  assert.equal(code, 0);
});

/** Starts Debian's tcpserver in front of a chain. Resolves to its port, which it says on standard output, and its log. */
async function tcpserver(...chain: string[]): Promise<{ port: number; log(): string }> {
  const user = process.getuid?.() === 0 ? ["-u", String(nobody), "-g", String(nobody)] : [];
  const server = spawn(pathOf("tcpserver"), ["-1vRHl0", ...user, "127.0.0.1", "0", ...chain], {
    cwd: home,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  servers.push(server);
  let log = "";
  server.stderr.setEncoding("latin1").on("data", (text: string) => {
    log += text;
  });
  const [port] = (await once(createInterface({ input: server.stdout }), "line")) as [string];
  return { port: Number(port), log: () => log };
}

/** The log, once tcpserver has seen its child end. */
async function ended(log: () => string): Promise<string> {
  for (let tries = 0; !/^tcpserver: end /m.test(log()); tries++) {
    assert.ok(tries < 200, log());
    await later(50);
  }
  return log();
}

const noTcpserver = missing("tcpserver");

test("tcpserver: a submission goes through the whole chain in one process after the other", {
  skip: noTcpserver,
}, async () => {
  const { port, log } = await tcpserver("authup", "smtp", "let-in", "checknotroot", "fixsmtpio", "ofmipd");
  const client = await Client.open(port);
  assert.match(await client.hear(), /^220 mail\.example ESMTP\r\n/);
  await client.say("EHLO client.example");
  assert.match(await client.say(`AUTH PLAIN ${plain("alice", "secret")}`), /^235 ok, go ahead/);
  assert.match(await client.say("MAIL FROM:<alice@mail.example>"), /^250 /);
  assert.match(await client.say("RCPT TO:<bob@elsewhere.example>"), /^250 /);
  assert.match(await client.say("DATA"), /^354 /);
  assert.match(await client.say("Subject: native\r\n\r\nHello.\r\n."), /^250 /);
  assert.match(await client.say("QUIT"), /^221 /);
  client.close();
  assert.match(readFileSync(join(home, "out", "message"), "latin1"), /^Subject: native\n\nHello\.\n$/m);
  assert.equal(
    readFileSync(join(home, "out", "envelope"), "latin1"),
    "Falice@mail.example\0Tbob@elsewhere.example\0\0",
  );
  const text = await ended(log);
  assert.match(text, /^tcpserver: end \d+ status 0$/m);
  // The launcher, and whatever it ran, became authup: it has the number that tcpserver gave its child.
  const [, pid] = /^tcpserver: pid (\d+) /m.exec(text) ?? [];
  assert.match(text, new RegExp(`^authup ${pid} protocol smtp$`, "m"));
});

test("tcpserver: POP3, from authup to the Maildir", { skip: noTcpserver }, async () => {
  const { port, log } = await tcpserver("authup", "pop3", "let-in", "checknotroot", "qmail-pop3d", "Maildir");
  const client = await Client.open(port);
  assert.match(await client.hear(), /^\+OK /);
  assert.match(await client.say("USER bob"), /^\+OK/);
  assert.match(await client.say("PASS secret"), /^\+OK/);
  assert.match(await client.say("STAT"), /^\+OK 1 \d+\r\n/);
  assert.match(await client.say("QUIT"), /^\+OK/);
  client.close();
  await ended(log);
  assert.deepEqual(
    readdirSync(join(home, "Maildir", "cur")).length + readdirSync(join(home, "Maildir", "new")).length,
    1,
  );
});

test("tcpserver: mail from the world, with rblsmtpd in front", { skip: noTcpserver }, async () => {
  const { port, log } = await tcpserver("rblsmtpd", "-b", "fixsmtpio", "qmail-smtpd");
  const client = await Client.open(port);
  assert.match(await client.hear(), /^220 /);
  assert.match(await client.say("HELO mx.example"), /^250 /);
  assert.match(await client.say("MAIL FROM:<>"), /^250 /);
  assert.match(await client.say("RCPT TO:<who@mail.example>"), /^250 /);
  assert.match(await client.say("DATA"), /^354 /);
  assert.match(await client.say("Subject: world\r\n\r\nHello.\r\n."), /^250 /);
  assert.match(await client.say("QUIT"), /^221 /);
  client.close();
  assert.match(
    readFileSync(join(home, "out", "message"), "latin1"),
    /^Received: from .*\n[\s\S]*\nSubject: world\n\nHello\.\n$/,
  );
  await ended(log);
});

test("tcpserver: authup tells a wrong password from a right one by the exit code", {
  skip: noTcpserver,
}, async () => {
  const { port } = await tcpserver("authup", "-t", "2", "smtp", "false");
  const client = await Client.open(port);
  await client.hear();
  for (let tries = 0; tries < 2; tries++)
    assert.match(await client.say(`AUTH PLAIN ${plain("alice", "wrong")}`), /^535 /);
  await assert.rejects(client.say("NOOP"), /hung up/);
  client.close();
});
