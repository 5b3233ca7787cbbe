/**
 * A checkpassword of someone else's between programs of ours: under our server, where sessions run in workers, and in
 * front of it as processes. What the next program finds is the same.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
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
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { root } from "./runner/case.ts";

const isRoot = process.getuid!() === 0;
const [uid, gid, group] = isRoot
  ? [64_997, 64_996, 64_995]
  : [process.getuid!(), process.getgid!(), process.getgid!()];
const folder = mkdtempSync(join(tmpdir(), "foreign-checkpassword."));
const running = new Set<ChildProcess>();
const bin = join(root, "build", "bin");
const path = `${folder}:${bin}:/usr/bin:/bin`;
/** What it became and what it was told, without what a shell adds. */
const show = `#!/bin/sh
echo "uid $(id -u) gid $(id -g) groups $(id -G) cwd $(pwd)"
env -0 | tr '\\n\\0' '|\\n' | grep -vE '^(PWD|OLDPWD|SHLVL|_|PATH|ACCEPTUTILS_\\w+|TCP\\w+|PROTO|NODE\\w*)=' | sort
for word in "$@"; do echo "word $word"; done
[ -e /proc/self/fd/3 ] && echo fd3 || :
[ -e /proc/self/fd/4 ] && echo fd4 || :
read line; echo "read $line"
exit 7
`;

before(() => {
  chmodSync(folder, 0o755);
  for (const name of ["alice", "control"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "show"), show, { mode: 0o755 });
  // Where a user can reach it: the checkout may be closed to others.
  copyFileSync(join(root, "test", "stubs", "checkpassword.pl"), join(folder, "cpw"));
  for (const [name, text] of Object.entries({ me: "mx.example", pop3capabilities: "TOP" }))
    writeFileSync(join(folder, "control", name), `${text}\n`);
});
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

const env = {
  PATH: path,
  ACCEPTUTILS_HOME: folder,
  CPW: `${uid} ${gid} ${group} ${join(folder, "alice")}`,
  GONE: "not for the next program",
  KEPT: "for it",
  ...(process.env["ACCEPTUTILS_TEST_RUN"] && { ACCEPTUTILS_TEST_RUN: process.env["ACCEPTUTILS_TEST_RUN"] }),
};

interface Seen {
  readonly said: string;
  readonly log: string;
}

/** The client: each line when the one before was answered. */
function talk(incoming: Readable, outgoing: Writable, user: string, password: string): () => string {
  let said = "";
  outgoing.on("error", () => {});
  incoming.setEncoding("latin1").on("data", (text: string) => {
    said += text;
    if (text.includes("+OK mx.example")) outgoing.write(`USER ${user}\r\n`);
    else if (text === "+OK \r\n") outgoing.write(`PASS ${password}\r\n`);
    else if (text.includes("uid ")) outgoing.write("QUIT\r\n");
  });
  return () => said;
}

function started(program: string, words: readonly string[], stdin: "pipe" | "ignore", more = {}) {
  const child = spawn(join(bin, program), words, {
    env: { ...env, ...more },
    stdio: [stdin, "pipe", "pipe"],
  });
  running.add(child);
  child.on("exit", () => running.delete(child));
  let log = "";
  child.stderr!.setEncoding("latin1").on("data", (text: string) => {
    log += text;
  });
  return { child, log: () => log };
}

/** As processes: authup and all after it. */
async function natively(words: readonly string[], user: string, password: string): Promise<Seen> {
  const { child, log } = started("authup", ["pop3", ...words], "pipe");
  const said = talk(child.stdout!, child.stdin!, user, password);
  await once(child, "close");
  return { said: said(), log: log() };
}

const nobody = 65_534;

/** As processes, of which the one that talks with the client is not root. */
async function divided(words: readonly string[], user: string, password: string): Promise<Seen> {
  const identity = { AUTHUP_UID: String(nobody), AUTHUP_GID: String(nobody) };
  const { child, log } = started("authup", ["pop3", ...words], "pipe", identity);
  const uids: string[] = [];
  child.stdout!.on("data", () => {
    if (child.exitCode === null)
      uids.push(/^Uid:\t(.*)$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? "");
  });
  const said = talk(child.stdout!, child.stdin!, user, password);
  await once(child, "close");
  assert.equal(uids[0], [nobody, nobody, nobody, nobody].join("\t"));
  return { said: said(), log: log() };
}

/** Under our server. */
async function resident(words: readonly string[], user: string, password: string): Promise<Seen> {
  const { child, log } = started("tcpserver", ["-1vR", "0", "0", "authup", "pop3", ...words], "ignore");
  const [port] = await once(child.stdout!, "data");
  const socket = connect({ port: Number(port), host: "127.0.0.1" });
  const said = talk(socket, socket, user, password);
  await once(socket, "close");
  child.kill("SIGTERM");
  await once(child, "close");
  return { said: said(), log: log() };
}

for (const [host, run] of [
  ["as processes", natively],
  ...(isRoot ? [["as processes, divided", divided] as const] : []),
  ["in workers", resident],
] as const) {
  test(`foreign checkpassword, ${host}: the next program runs as what it became`, async () => {
    const { said, log } = await run([join(folder, "cpw"), "show", "a", "b c"], "alice", "AlicePw1");
    const groups = isRoot ? `${gid} ${group}` : spawnSync("id", ["-G"], { encoding: "utf8" }).stdout.trim();
    const home = join(folder, "alice");
    assert.equal(
      said,
      [
        ...["+OK mx.example\r", "+OK \r", `uid ${uid} gid ${gid} groups ${groups} cwd ${home}`],
        ...["AUTHUP_USER=alice", "EXTRA=from checkpassword|2", `HOME=${home}`, "KEPT=for it"],
        ...["SHELL=/bin/sh", "USER=alice", "word a", "word b c", "read QUIT\r", ""],
      ].join("\n"),
      log,
    );
    assert.match(log, /checkpassword \d+ attempt for alice\n/);
    assert.match(log, /succeeded, child completed\n/);
  });

  test(`foreign checkpassword, ${host}: a wrong password, and other ends`, async () => {
    const cpw = [join(folder, "cpw"), "show"];
    for (const [user, end] of [
      ["alice", "-ERR [AUTH] authup authorization failed"],
      ["talker", "talk\r\n-ERR [AUTH] authup authorization failed"],
      ["exit-2", "-ERR [AUTH] authup authorization failed"],
      ["exit-111", "-ERR [AUTH] authup authorization failed"],
      ["exit-16", "-ERR authup timeout"],
      ["exit-9", ""],
      ["crash", "-ERR [SYS/TEMP] authup aack, child crashed"],
    ] as const) {
      const { said, log } = await run(cpw, user, "wrong");
      assert.equal(said, `+OK mx.example\r\n+OK \r\n${end}${end && "\r\n"}`, `${user}: ${log}`);
      if (user === "talker") assert.match(log, /^a line for the log$/m);
      assert.doesNotMatch(log, /wrong/);
    }
  });

  test(`foreign checkpassword, ${host}: one that is not there is no wrong password in the log`, async () => {
    const { said, log } = await run(["/nowhere/checkpassword", "show"], "alice", "AlicePw1");
    assert.equal(said, "+OK mx.example\r\n+OK \r\n-ERR [AUTH] authup authorization failed\r\n");
    assert.match(log, /\/nowhere\/checkpassword: (?:file does not exist|not found)/);
  });
}

test("foreign checkpassword, in workers: programs of ours after it run there too, and none of its words is theirs", async () => {
  const { said } = await resident(
    ["env", "ADDED=1", "cpw", "-o", "word", "checknotroot", "show"],
    "alice",
    "AlicePw1",
  );
  assert.match(said, new RegExp(`^uid ${uid} gid ${gid} `, "m"));
  assert.match(said, /^ADDED=1$/m);
});

test("foreign checkpassword, in workers: root does not get a session", {
  skip: !isRoot && "needs root",
}, async () => {
  const { said, log } = await resident(["cpw", "show"], "root", "AlicePw1");
  assert.equal(said, "+OK mx.example\r\n+OK \r\n-ERR [AUTH] authup authorization failed\r\n");
  assert.match(log, /cpw went on as root: not served/);
});

test("foreign checkpassword, in workers: a word in front that hides it does not let anybody in", async () => {
  const { said, log } = await resident(["env", "cpw", "show"], "alice", "wrong");
  assert.equal(said, "+OK mx.example\r\n+OK \r\n-ERR [AUTH] authup authorization failed\r\n");
  assert.match(log, /env has run cpw without having read the password/);
});

/** What is answered to these lines, said at once, natively and under our server. */
async function answers(lines: string): Promise<readonly string[]> {
  const words = [join(folder, "cpw"), "show"];
  const own = started("authup", ["pop3", ...words], "pipe");
  own.child.stdin!.write(lines);
  const natively = text(own.child.stdout!);
  const { child } = started("tcpserver", ["-1vR", "0", "0", "authup", "pop3", ...words], "ignore");
  const [port] = await once(child.stdout!, "data");
  const socket = connect({ port: Number(port), host: "127.0.0.1" });
  socket.write(lines);
  const heard = [await natively, await text(socket)];
  child.kill("SIGTERM");
  await once(child, "close");
  return heard;
}

test("of what control/authmechanisms names, a foreign checkpassword is offered what it can do", async () => {
  const file = join(folder, "control", "authmechanisms");
  writeFileSync(file, "SCRAM-SHA-256\nCRAM-MD5\nPLAIN\nAPOP\nXOAUTH2\nLOGIN\n");
  try {
    const [first, second] = await answers(
      "CAPA\r\nAUTH SCRAM-SHA-256\r\nAUTH CRAM-MD5\r\nAPOP a b\r\nQUIT\r\n",
    );
    assert.equal(
      first,
      [
        ...["+OK mx.example", "+OK capability list follows", "USER", "SASL PLAIN LOGIN"],
        ...[
          "RESP-CODES",
          "AUTH-RESP-CODE",
          "TOP",
          ".",
          ...Array(2).fill("-ERR authup auth type unimplemented"),
        ],
        ...["-ERR authup authorization first", "+OK ", ""],
      ].join("\r\n"),
    );
    assert.equal(second, first);
  } finally {
    rmSync(file);
  }
});
