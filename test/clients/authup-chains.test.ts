/**
 * authup and checkpassword between foreign programs: Debian's tcpserver in front, servers of mailfront behind, and the
 * checkpassword of cvm in the place of ours.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { formatUser } from "../../src/control/users.ts";
import { freePort, missing } from "../backends/daemon.ts";
import { cheapHash } from "../backends/hashes.ts";
import { cryptHash, noMkpasswd } from "../backends/mkpasswd.ts";
import { root } from "../runner/case.ts";

const isRoot = process.getuid!() === 0;
/** A user who may become himself: root is turned away. */
const [uid, gid] = isRoot ? [64_997, 64_996] : [process.getuid!(), process.getgid!()];
const folder = mkdtempSync(join(tmpdir(), "authup-chains."));
const bin = join(root, "build", "bin");
const noTcpserver = existsSync("/usr/bin/tcpserver")
  ? false
  : "tcpserver (Debian: ucspi-tcp) is not installed";
const noMailfront = noTcpserver || missing("pop3front-maildir", "mailfront");
/** Debian's Courier cannot be installed beside its Dovecot; .ci/run unpacks it. */
const courier = join(root, "build", "servers", "usr", "lib");
const noCourier =
  noTcpserver || (existsSync(join(courier, "courier")) ? false : "courier-pop is not in build/servers");
const dovecot = "/usr/lib/dovecot/pop3";
const noDovecot = noTcpserver || (existsSync(dovecot) ? false : "dovecot-pop3d is not installed");
const noPerl = noMailfront || (existsSync("/usr/bin/perl") ? false : "perl is not installed");
const noCvm = noMailfront || noMkpasswd || missing("cvm-checkpassword", "cvm");

const alice = join(folder, "alice");
const message = "From: bob@mx.example\nSubject: hello\n\nbody\n";

before(() => {
  chmodSync(folder, 0o755);
  for (const name of [
    "control",
    "users",
    "alice",
    "alice/Maildir",
    ...["cur", "new", "tmp"].map((each) => `alice/Maildir/${each}`),
  ]) {
    mkdirSync(join(folder, name));
    if (name.startsWith("alice")) chownSync(join(folder, name), uid, gid);
  }
  for (const [name, text] of Object.entries({
    me: "mx.example",
    smtpcapabilities: "8BITMIME",
    pop3capabilities: "TOP",
  }))
    writeFileSync(join(folder, "control", name), `${text}\n`);
  copyFileSync(join(root, "examples", "fixsmtpio", "fixsmtpio"), join(folder, "control", "fixsmtpio"));
  const user = {
    name: "alice",
    hash: cheapHash("AlicePw1"),
    uid,
    gid,
    gecos: "",
    home: alice,
    shell: "/bin/sh",
  };
  writeFileSync(join(folder, "users", "passwd"), `${formatUser(user)}\n`, { mode: 0o600 });
  const queue = `#!/bin/sh\ncat > ${alice}/message && tr '\\0' '|' <&1 > ${alice}/envelope\n`;
  writeFileSync(join(folder, "qmail-queue"), queue, { mode: 0o755 });
});
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** What the chain said in a session of these lines, each sent when the one before was answered, under Debian's tcpserver. */
async function session(
  chain: readonly string[],
  lines: readonly string[],
  more = {},
  program = "/usr/bin/tcpserver",
): Promise<string> {
  const port = await freePort();
  const env = {
    ...process.env,
    PATH: `${bin}:/usr/sbin:/usr/bin:/bin`,
    ACCEPTUTILS_HOME: folder,
    QMAILQUEUE: join(folder, "qmail-queue"),
    RELAYCLIENT: "",
    QMAILHOME: folder, // of mailfront
    ...more,
  };
  const words = ["-HRl0", "127.0.0.1", String(port), ...chain];
  const server = spawn(program, words, { env, stdio: ["ignore", "ignore", "pipe"] });
  running.add(server);
  let log = "";
  server.stderr.on("data", (text) => (log += text));
  const waiting = [...lines];
  for (let tries = 0; ; tries++) {
    const socket = connect(port, "127.0.0.1");
    let said = "";
    socket.setTimeout(10_000, () => socket.destroy()); // what it has not said by then, it does not say
    socket.setEncoding("latin1").on("data", (text: string) => {
      said += text;
      const last = said.trimEnd().split("\n").at(-1) ?? "";
      if (said.endsWith("\n") && /^(?:\d{3} |\+OK|-ERR|\.)/.test(last) && waiting.length > 0)
        socket.write(`${waiting.shift()}\r\n`);
    });
    const refused = await once(socket, "close").then(
      () => false,
      () => true,
    );
    if (refused && tries < 200) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    server.kill();
    await once(server, "exit");
    running.delete(server);
    assert.ok(said !== "", log);
    return `${said}\n${log}`;
  }
}

const pop3 = ["USER alice", "PASS AlicePw1", "STAT", "RETR 1", "QUIT"];

function deliver(): void {
  for (const name of ["cur", "new"]) {
    for (const old of readdirSync(join(alice, "Maildir", name))) rmSync(join(alice, "Maildir", name, old));
  }
  const file = join(alice, "Maildir", "new", "1.1.mx.example");
  writeFileSync(file, message);
  chownSync(file, uid, gid);
}

test("tcpserver, authup pop3, checkpassword, checknotroot, mailfront's pop3front-maildir", {
  skip: noMailfront,
}, async () => {
  deliver();
  const said = await session(
    ["authup", "pop3", "checkpassword", "checknotroot", "pop3front-maildir", "Maildir"],
    pop3,
  );
  assert.match(said, /^\+OK mx\.example\r\n\+OK \r\n\+OK .*\r\n\+OK 1 \d+\r\n/);
  assert.match(said, /\r\nSubject: hello\r\n\r\nbody\r\n/);
  const wrong = await session(
    ["authup", "pop3", "checkpassword", "checknotroot", "pop3front-maildir", "Maildir"],
    ["USER alice", "PASS wrong"],
  );
  assert.match(wrong, /-ERR .*authup authorization failed\r\n/);
});

test("tcpserver, authup smtp, checkpassword, fixsmtpio, mailfront's smtpfront-qmail", {
  skip: noMailfront,
}, async () => {
  const login = Buffer.from("\0alice\0AlicePw1").toString("base64");
  const said = await session(
    ["authup", "smtp", "checkpassword", "checknotroot", "fixsmtpio", "smtpfront-qmail"],
    [
      "EHLO client.example",
      `AUTH PLAIN ${login}`,
      "EHLO client.example",
      "MAIL FROM:<alice@mx.example>",
      "RCPT TO:<bob@mx.example>",
      "DATA",
      "Subject: sent\r\n\r\nbody\r\n.",
      "QUIT",
    ],
  );
  assert.match(said, /^220 mx\.example ESMTP\r\n/);
  assert.match(said, /\r\n235 ok, go ahead \(#2\.0\.0\)\r\n/);
  assert.match(said, /\r\n354 .*\r\n250 .*\r\n221 /);
  assert.match(readFileSync(join(alice, "message"), "latin1"), /\nSubject: sent\n\nbody\n/);
  assert.equal(readFileSync(join(alice, "envelope"), "latin1"), "Falice@mx.example|Tbob@mx.example||");
});

test("tcpserver, authup pop3, cvm-checkpassword with words of its own, pop3front-maildir", {
  skip: noCvm,
}, async () => {
  deliver();
  const hash = cryptHash("AlicePw1", "md5crypt");
  writeFileSync(join(folder, "pwfile"), `alice:${hash}:${uid}:${gid}::${alice}:/bin/sh\n`);
  const chain = [
    "authup",
    "pop3",
    "cvm-checkpassword",
    "cvm-pwfile",
    "checknotroot",
    "pop3front-maildir",
    "Maildir",
  ];
  const cvm = {
    CVM_PWFILE_PWCMP: "crypt",
    CVM_PWFILE_PATH: join(folder, "pwfile"),
    CVM_ACCOUNT_SPLIT_CHARS: "",
  };
  for (const server of ["/usr/bin/tcpserver", join(bin, "tcpserver")]) {
    const said = await session(chain, pop3, cvm, server);
    assert.match(said, /\r\n\+OK 1 \d+\r\n/, said);
    // It exits 100 then, which is no word of the interface: authup says nothing, and the session ends.
    const wrong = await session(chain, ["USER alice", "PASS wrong"], cvm, server);
    assert.match(wrong, /^\+OK mx\.example\r\n\+OK \r\n\n/);
  }
});

test("tcpserver, authup pop3, checkpassword, Courier's courierpop3d", { skip: noCourier }, async () => {
  deliver();
  const program = join(courier, "courier", "courier", "courierpop3d");
  const libraries = [courier, join(courier, "courier-authlib"), ...triplets(courier)].join(":");
  const chain = ["authup", "pop3", "checkpassword", "checknotroot", program, "Maildir"];
  const said = await session(chain, pop3, { LD_LIBRARY_PATH: libraries });
  assert.match(said, /^\+OK mx\.example\r\n\+OK \r\n\+OK logged in\.\r\n\+OK 1 \d+\r\n/, said);
  assert.match(said, /\r\nSubject: hello\r\n\r\nbody\r\n/);
});

test("tcpserver, authup pop3, checkpassword, Dovecot's pop3 without its master", {
  skip: noDovecot,
}, async () => {
  deliver();
  const settings = join(folder, "dovecot.conf");
  const lines = [
    `mail_location = maildir:${alice}/Maildir`,
    `base_dir = ${alice}`,
    `log_path = ${alice}/log`,
  ];
  writeFileSync(settings, `${lines.join("\n")}\n`);
  // Of the two answers to PASS that a client waits for it gives none: it thinks that its own login process has.
  const greeted = `printf '+OK \\r\\n' && exec ${dovecot} -c ${settings}`;
  const chain = ["authup", "pop3", "checkpassword", "checknotroot", "sh", "-c", greeted];
  const said = await session(chain, pop3);
  assert.match(said, /^\+OK mx\.example\r\n\+OK \r\n\+OK \r\n\+OK 1 \d+\r\n/, said);
  assert.match(said, /\r\nSubject: hello\r\n\r\nbody\r\n/);
});

test("tcpserver, a front in the manner of qmail-popup, our checkpassword, pop3front-maildir", {
  skip: noPerl,
}, async () => {
  deliver();
  const front = join(root, "test", "stubs", "qmail-popup.pl");
  const chain = [front, "mx.example", "checkpassword", "checknotroot", "pop3front-maildir", "Maildir"];
  const said = await session(chain, pop3);
  assert.match(said, /^\+OK <\d+\.\d+@mx\.example>\r\n\+OK \r\n\+OK .*\r\n\+OK 1 \d+\r\n/, said);
  for (const lines of [
    ["USER alice", "PASS wrong"],
    ["USER nobody", "PASS AlicePw1"],
  ])
    assert.match(await session(chain, lines), /\+OK \r\n-ERR authorization failed\r\n/);
});

const triplets = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith("-linux-gnu"))
    .map((name) => join(folder, name));
