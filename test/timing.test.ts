/**
 * How long a refusal takes must not tell why. Each kind of guess is tried in turn, so that they all meet the same load,
 * and their times are compared by rank: a time that is often shorter or longer shows, however noisy the machine.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { formatHash, unmatchable } from "../src/control/password-hash.ts";
import { newScramKey } from "../src/control/scram-verifiers.ts";
import { formatVerifier } from "../src/control/stored-password.ts";
import { formatUser } from "../src/control/users.ts";
import { main as authup } from "../src/programs/authup/main.ts";
import { main as checkpassword } from "../src/programs/checkpassword/main.ts";
import { Secret } from "../src/protocol/checkpassword/secret.ts";
import { scramVerifier } from "../src/protocol/sasl/scram.ts";
import { launcherText } from "../src/system/launchers.ts";
import { Pipe } from "../src/system/pipe.ts";
import { runResident } from "../src/system/resident-host.ts";
import type { Program } from "../src/system/system.ts";
import { scramFinal } from "./scram-client.ts";

const tries = 500;
/**
 * Of two kinds, one may be the slower in so many of all pairs of tries: 0.5 says that they are the same, and with 500 of
 * each, chance moves it by 0.02. What is skipped for one of them moves it to nearly 0 or 1.
 */
const [least, most] = [0.38, 0.62];

const home = mkdtempSync(join(tmpdir(), "acceptutils-timing."));
after(() => rmSync(home, { recursive: true, force: true }));

// Cheap, so that what is not the hash shows all the more.
const hash = formatHash(unmatchable({ memoryKibibytes: 64, passes: 1, lanes: 1 }));
const verifier = await scramVerifier(new Secret(Buffer.from("secret")), Buffer.alloc(16, 1), 4096);
const stored = `${hash};${formatVerifier(verifier)}`;
const self = { uid: 1000, gid: 1000, gecos: "", home: "", shell: "" };
// A token that somebody else has signed.
const { publicKey } = await generateKeyPair("ES256");
const forger = await generateKeyPair("ES256");
const token = await new SignJWT({ iss: "https://id.example", aud: "mx.example", email: "alice" })
  .setProtectedHeader({ alg: "ES256" })
  .setExpirationTime("1h")
  .sign(forger.privateKey);
const files = {
  "control/me": "mx.example\n",
  "control/smtpcapabilities": "8BITMIME\n",
  "control/pop3capabilities": "TOP\n",
  "control/authmechanisms": "SCRAM-SHA-256\nPLAIN\nCRAM-MD5\nAPOP\nXOAUTH2\n",
  "control/oauth": `issuer https://id.example\naudience mx.example\nkeys ${join(home, "jwks.json")}\n`,
  "jwks.json": JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: "ES256" }] }),
  "users/clear": ["alice", "betty", "root0", "locks"].map((name) => `${name}:secret\n`).join(""),
  "users/scramkey": newScramKey(),
  "users/passwd": [
    formatUser({ name: "alice", hash: stored, ...self }),
    formatUser({ name: "betty", hash: stored, ...self }),
    formatUser({ name: "root0", hash: stored, ...self, uid: 0 }),
    formatUser({ name: "locks", hash: "*", ...self }),
    "",
  ].join("\n"),
  ".path/authup": launcherText("authup", { node: "/bin/false", bundle: "none" }),
  ".path/checkpassword": launcherText("checkpassword", { node: "/bin/false", bundle: "none" }),
};
for (const [file, text] of Object.entries(files)) {
  mkdirSync(dirname(join(home, file)), { recursive: true });
  writeFileSync(join(home, file), text, { mode: 0o755 });
}

const programs: Readonly<Record<string, Program>> = { authup, checkpassword };
const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");

/** A session that may try as often as it likes. */
function open(protocol: "smtp" | "pop3"): {
  say(line: string): Promise<string>;
  hear(): Promise<string>;
  end(): Promise<unknown>;
} {
  const [to, from] = [new Pipe(), new Pipe()];
  const ended = runResident(["authup", "-t", "1000000", protocol, "checkpassword", "none"], {
    programs: async (name) => programs[name],
    env: new Map([
      ["PATH", join(home, ".path")],
      ["ACCEPTUTILS_HOME", home],
    ]),
    cwd: home,
    input: to.reader,
    output: from,
    log: () => {},
  });
  const hear = async () => Buffer.from((await from.read(10)) ?? []).toString("latin1");
  return {
    hear,
    say: (line) => {
      void to.write(Buffer.from(`${line}\r\n`));
      return hear();
    },
    end: () => {
      to.close();
      return ended;
    },
  };
}

const kinds = ["alice", "betty", "nobod", "root0", "locks"] as const;
type Say = (line: string) => Promise<string>;

/** Milliseconds from the guess to its refusal. */
const guesses: Readonly<Record<string, (say: Say, user: string) => Promise<number>>> = {
  PLAIN: async (say, user) => {
    const line = `AUTH PLAIN ${base64(`\0${user}\0guess`)}`;
    const started = performance.now();
    assert.match(await say(line), /^535 /);
    return performance.now() - started;
  },
  "SCRAM-SHA-256": async (say, user) => {
    const first = `n,,n=${user},r=abc`;
    const line = `AUTH SCRAM-SHA-256 ${base64(first)}`;
    const started = performance.now();
    const challenge = Buffer.from((await say(line)).slice(4), "base64").toString("latin1");
    const between = performance.now();
    // The client's own work, at a price that does not slow the test down, is no part of it.
    const final = base64(scramFinal("guess", first, challenge.replace(/i=\d+$/, "i=1")));
    const again = performance.now();
    assert.match(await say(final), /^535 /);
    return performance.now() - again + (between - started);
  },
  "CRAM-MD5": async (say, user) => {
    await say("AUTH CRAM-MD5");
    const response = base64(`${user} ${"0".repeat(32)}`);
    const started = performance.now();
    assert.match(await say(response), /^535 /);
    return performance.now() - started;
  },
  APOP: async (say, user) => {
    const started = performance.now();
    assert.match(await say(`APOP ${user} ${"0".repeat(32)}`), /^-ERR \[AUTH\] /);
    return performance.now() - started;
  },
  XOAUTH2: async (say, user) => {
    const line = `AUTH XOAUTH2 ${base64(`user=${user}\x01auth=Bearer ${token}\x01\x01`)}`;
    const started = performance.now();
    assert.match(await say(line), /^334 /);
    const took = performance.now() - started;
    assert.match(await say(""), /^535 /);
    return took;
  },
};

for (const [mechanism, guess] of Object.entries(guesses)) {
  test(`${mechanism}: a wrong password, nobody, root and a locked account take the same time`, async () => {
    const session = open(mechanism === "APOP" ? "pop3" : "smtp");
    await session.hear();
    const times = new Map<string, number[]>(kinds.map((kind) => [kind, []]));
    for (let at = -50; at < tries; at++) {
      // In any order: nobody is to come always behind the same one, or where memory is collected.
      for (const kind of shuffled(kinds)) {
        const milliseconds = await guess(session.say, kind);
        if (at >= 0) times.get(kind)!.push(milliseconds); // the first ones are the compiler's
      }
    }
    await session.end();
    for (const kind of kinds.slice(1)) {
      const share = slowerShare(times.get(kind)!, times.get("alice")!);
      assert.ok(
        share > least && share < most,
        `${kind} is slower than alice in ${share.toFixed(3)} of all pairs`,
      );
    }
  });
}

function shuffled<T>(all: readonly T[]): readonly T[] {
  return all
    .map((each) => ({ each, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ each }) => each);
}

/** In how many of all pairs the first one is larger; of equal ones, half. */
function slowerShare(ours: readonly number[], theirs: readonly number[]): number {
  let larger = 0;
  for (const one of ours) {
    for (const other of theirs) larger += one > other ? 1 : one === other ? 0.5 : 0;
  }
  return larger / (ours.length * theirs.length);
}
