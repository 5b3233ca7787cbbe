/** Mechanisms that are a conversation, with authup and checkpassword as processes; as root also with authup divided. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { formatHash, unmatchable } from "../src/control/password-hash.ts";
import { newScramKey } from "../src/control/scram-verifiers.ts";
import { formatVerifier } from "../src/control/stored-password.ts";
import { formatUser } from "../src/control/users.ts";
import { Secret } from "../src/protocol/checkpassword/secret.ts";
import { scramVerifier } from "../src/protocol/sasl/scram.ts";
import { root } from "./runner/case.ts";
import { scramFinal } from "./scram-client.ts";

const isRoot = process.getuid!() === 0;
const [uid, gid] = isRoot ? [64_997, 64_996] : [process.getuid!(), process.getgid!()];
const nobody = 65_534;
const folder = mkdtempSync(join(tmpdir(), "divided."));
const bin = join(root, "build", "bin");
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

before(async () => {
  chmodSync(folder, 0o755);
  for (const name of ["control", "users"]) mkdirSync(join(folder, name));
  const mechanisms = "SCRAM-SHA-256\nCRAM-MD5\nAPOP\nPLAIN\n";
  for (const [name, text] of Object.entries({
    me: "mx.example\n",
    smtpcapabilities: "8BITMIME\n",
    pop3capabilities: "TOP\n",
    authmechanisms: mechanisms,
  }))
    writeFileSync(join(folder, "control", name), text);
  const verifier = await scramVerifier(new Secret(Buffer.from("pencil")), Buffer.alloc(16, 1), 4096);
  const hash = `${formatHash(unmatchable({ memoryKibibytes: 64, passes: 1, lanes: 1 }))};${formatVerifier(verifier)}`;
  const alice = { name: "alice", hash, uid, gid, gecos: "", home: "/", shell: "" };
  writeFileSync(join(folder, "users", "passwd"), `${formatUser(alice)}\n`, { mode: 0o600 });
  writeFileSync(join(folder, "users", "clear"), "alice:pencil\n", { mode: 0o600 });
  writeFileSync(join(folder, "users", "scramkey"), newScramKey(), { mode: 0o600 });
  const show = `#!/bin/sh
for fd in 3 4 5 6 7; do [ -e /proc/$$/fd/$fd ] && left="$left $fd"; done
echo "250 $(id -u) $AUTHUP_USER$ACCEPTUTILS_ANSWERS$left"
exit 9
`;
  writeFileSync(join(folder, "show"), show, { mode: 0o755 });
});

const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");
const text = (base64: string) => Buffer.from(base64, "base64").toString("latin1");

/** authup as a process, and its client. */
class Session {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly ended: Promise<unknown[]>;
  log = "";

  constructor(protocol: "smtp" | "pop3", identity: Readonly<Record<string, string>>) {
    const mark = process.env["ACCEPTUTILS_TEST_RUN"];
    this.child = spawn(join(bin, "authup"), ["-t", "9", protocol, "checkpassword", join(folder, "show")], {
      env: {
        PATH: `${bin}:/usr/bin:/bin`,
        ACCEPTUTILS_HOME: folder,
        ...identity,
        ...(mark && { ACCEPTUTILS_TEST_RUN: mark }),
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    running.add(this.child);
    this.child.stderr!.on("data", (chunk: Buffer) => {
      this.log += chunk;
    });
    this.child.stdin!.on("error", () => {});
    this.#lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
    this.ended = once(this.child, "close");
  }

  async hear(): Promise<string> {
    const { value } = await this.#lines.next();
    return String(value);
  }

  say(line: string): Promise<string> {
    this.child.stdin!.write(`${line}\r\n`);
    return this.hear();
  }

  uids(): string {
    return /^Uid:\t(.*)$/m.exec(readFileSync(`/proc/${this.child.pid}/status`, "utf8"))?.[1] ?? "";
  }
}

for (const [how, identity] of [
  ["one process", {}],
  ["divided", { AUTHUP_UID: String(nobody), AUTHUP_GID: String(nobody) }],
] as const) {
  const options = {
    skip: how === "divided" && !isRoot ? "only root can be divided" : false,
    timeout: 60_000,
  };

  test(`${how}: SCRAM, after tries that fail, break off and mean nothing`, options, async () => {
    const session = new Session("smtp", identity);
    assert.equal(await session.hear(), "220 mx.example ESMTP");
    if (how === "divided") assert.equal(session.uids(), Array(4).fill(nobody).join("\t"));
    const first = "n,,n=alice,r=abc";
    const scram = async (password: string) => {
      const challenge = text((await session.say(`AUTH SCRAM-SHA-256 ${base64(first)}`)).slice(4));
      return session.say(base64(scramFinal(password, first, challenge)));
    };
    assert.equal(await scram("guess"), "535 authup authorization failed (#5.7.0)");
    assert.match(await session.say(`AUTH SCRAM-SHA-256 ${base64(first)}`), /^334 /);
    assert.equal(await session.say("*"), "501 authup auth exchange cancelled (#5.0.0)");
    // What is malformed at once, with what looks like a question to the half that is root.
    const forged = base64("n,,\n9 0\n\nalice\0pencil\0\0\n");
    assert.equal(
      await session.say(`AUTH SCRAM-SHA-256 ${forged}`),
      "501 authup malformed auth input (#5.5.4)",
    );
    assert.equal(
      await session.say(`AUTH PLAIN ${base64("\0alice\0guess")}`),
      "535 authup authorization failed (#5.7.0)",
    );
    const proof = await scram("pencil");
    assert.match(proof, /^334 /);
    assert.match(text(proof.slice(4)), /^v=/);
    assert.equal(await session.say(""), `250 ${uid} alice`, session.log);
    assert.equal((await session.ended)[0], 9, session.log);
    assert.match(session.log, /checkpassword \d+ accepted alice\n/);
    assert.match(session.log, /succeeded, child completed\n/);
  });

  test(`${how}: CRAM-MD5 over POP3, and a client that goes in the middle`, options, async () => {
    const session = new Session("pop3", identity);
    assert.match(await session.hear(), /^\+OK </);
    const challenge = Buffer.from((await session.say("AUTH CRAM-MD5")).slice(2), "base64");
    const digest = createHmac("md5", "pencil").update(challenge).digest("hex");
    assert.equal(await session.say(base64(`alice ${digest}`)), `250 ${uid} alice`, session.log);
    assert.equal((await session.ended)[0], 9, session.log);
    const gone = new Session("pop3", identity);
    await gone.hear();
    await gone.say("AUTH CRAM-MD5");
    gone.child.stdin!.end();
    assert.equal((await gone.ended)[0], 1, gone.log);
  });
}
