/** What is left of passwords in a process that has seen a hundred of them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { formatHash, unmatchable } from "../src/control/password-hash.ts";
import { newScramKey } from "../src/control/scram-verifiers.ts";
import { formatUser } from "../src/control/users.ts";
import { root } from "./runner/case.ts";

const folder = mkdtempSync(join(tmpdir(), "acceptutils-secrets."));
after(() => rmSync(folder, { recursive: true, force: true }));

function makeHome(): void {
  for (const name of ["control", "users"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "control", "me"), "mx.example\n");
  writeFileSync(join(folder, "control", "smtpcapabilities"), "8BITMIME\n");
  writeFileSync(join(folder, "control", "authmechanisms"), "PLAIN\nLOGIN\nXOAUTH2\nSCRAM-SHA-256\n");
  writeFileSync(join(folder, "users", "scramkey"), newScramKey());
  const oauth = `issuer https://id.example\naudience mx.example\nkeys ${join(folder, "jwks.json")}\n`;
  writeFileSync(join(folder, "control", "oauth"), oauth);
  // At the price of a test.
  const hash = formatHash(unmatchable({ memoryKibibytes: 64, passes: 1, lanes: 1 }));
  const alice = { name: "alice", hash, uid: 1000, gid: 1000, gecos: "", home: "", shell: "" };
  writeFileSync(join(folder, "users", "passwd"), formatUser(alice) + "\n");
}

/** An access token that somebody else has signed. */
async function someToken(): Promise<string> {
  const { privateKey } = await generateKeyPair("ES256");
  const claims = { iss: "https://id.example", aud: "mx.example", email: randomBytes(12).toString("hex") };
  const header = { alg: "ES256" };
  return new SignJWT(claims).setProtectedHeader(header).setExpirationTime("1h").sign(privateKey);
}

/** Sends each line when the one before was answered. */
async function talk(socket: Socket, lines: readonly string[]): Promise<string[]> {
  const replies: string[] = [];
  const waiting = [...lines];
  for await (const reply of createInterface({ input: socket })) {
    replies.push(reply);
    const line = waiting.shift();
    if (line === undefined) break;
    socket.write(`${line}\r\n`);
  }
  return replies;
}

test("after a hundred logins no password is in the heap, the log or an error", async () => {
  makeHome();
  const passwords = Array.from({ length: 100 }, () => randomBytes(12).toString("hex"));
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const lines = passwords.flatMap((password, at) =>
    at % 2 === 0
      ? [`AUTH PLAIN ${base64(`\0alice\0${password}`)}`]
      : ["AUTH LOGIN", base64("alice"), base64(password)],
  );
  const { publicKey } = await generateKeyPair("ES256");
  const key = { ...(await exportJWK(publicKey)), alg: "ES256" };
  writeFileSync(join(folder, "jwks.json"), JSON.stringify({ keys: [key] }));
  const tokens = await Promise.all(Array.from({ length: 20 }, someToken));
  for (const token of tokens) {
    // The empty line says that the error was seen.
    lines.push(`AUTH XOAUTH2 ${base64(`user=alice\x01auth=Bearer ${token}\x01\x01`)}`, "");
  }
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const snapshot = join(folder, "heap");
  const path = `${join(root, "build", "bin")}:/usr/bin:/bin`;
  const { port } = server.address() as AddressInfo;
  const host = spawn(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      join(root, "test", "runner", "secrets-host.ts"),
      ...[String(port), folder, path, snapshot],
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  for (const stream of [host.stdout, host.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      said += chunk.toString("latin1");
    });
  }
  const ended = once(host, "exit");
  const [socket] = (await once(server, "connection")) as [Socket];
  const replies = await talk(socket, [...lines, "QUIT"]);
  await ended;
  server.close();
  assert.equal(replies.filter((reply) => reply.startsWith("535 ")).length, 120, said);
  assert.equal(replies.at(-1), "221 mx.example");
  const heap = readFileSync(snapshot, "latin1");
  assert.match(heap, /attempt for|smtpcapabilities/, "a snapshot of the process in question");
  for (const password of [...passwords, ...tokens]) {
    const traces = [password, base64(password), base64(`\0alice\0${password}`)];
    for (const trace of traces) {
      assert.equal(heap.includes(trace), false, "a password, or its base64, is in the heap");
      assert.equal(said.includes(trace), false, "a password, or its base64, is in the log");
    }
  }
});
