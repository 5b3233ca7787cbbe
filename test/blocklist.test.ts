/** What blocklistd(8) is told of logins: by a library of its interface that writes down how it is called. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { hashPassword } from "../src/control/password-hash.ts";
import { formatUser } from "../src/control/users.ts";
import { Secret } from "../src/protocol/checkpassword/secret.ts";
import { root } from "./runner/case.ts";

const folder = mkdtempSync(join(tmpdir(), "blocklist."));
chmodSync(folder, 0o777);
after(() => rmSync(folder, { recursive: true }));

const source = `
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
int NAME(int action, int fd, const struct sockaddr *from, socklen_t octets, const char *message) {
  char text[INET6_ADDRSTRLEN];
  struct sockaddr_in6 here;
  socklen_t room = sizeof here;
  const struct sockaddr_in6 *six = (const void *) from;
  const struct sockaddr_in *four = (const void *) from;
  FILE *calls = fopen(CALLS, "a");
  if (from->sa_family == AF_INET6) inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text);
  else inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
  if (getsockname(fd, (struct sockaddr *) &here, &room)) here.sin6_port = 0;
  fprintf(calls, "%d %s %d %d %d %s\\n", action, text, ntohs(six->sin6_port), ntohs(here.sin6_port), octets, message);
  fclose(calls);
  return RESULT;
}`;

const noCompiler = spawnSync("cc", ["--version"]).status === 0 ? false : "cc is not installed";

/** A library with the function \`name\`, and the file it writes to. */
function library(name: string, result = 0): { path: string; calls: string } {
  const at = mkdtempSync(join(folder, "lib."));
  chmodSync(at, 0o777);
  const [path, calls] = [join(at, "lib.so"), join(at, "calls")];
  writeFileSync(calls, "", { mode: 0o666 });
  chmodSync(calls, 0o666);
  const flags = ["-shared", "-fPIC", "-x", "c", `-DNAME=${name}`, `-DCALLS="${calls}"`, `-DRESULT=${result}`];
  const { status, stderr } = spawnSync("cc", [...flags, "-o", path, "-"], { input: source });
  assert.equal(status, 0, String(stderr));
  return { path, calls };
}

async function home(): Promise<string> {
  const at = mkdtempSync(join(folder, "home."));
  chmodSync(at, 0o755);
  for (const name of ["control", "users"]) mkdirSync(join(at, name));
  writeFileSync(join(at, "control", "me"), "mx.example\n");
  writeFileSync(join(at, "control", "smtpcapabilities"), "8BITMIME\n");
  const hash = await hashPassword(new Secret(Buffer.from("right")));
  const [uid, gid] = [process.getuid!() || 65_534, process.getgid!() || 65_534];
  const user = { name: "alice", hash, uid, gid, gecos: "", home: "/", shell: "" };
  writeFileSync(join(at, "users", "passwd"), `${formatUser(user)}\n`);
  return at;
}

const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGTERM");
});

interface Served {
  readonly port: number;
  log(): string;
  /** Resolves when there is such a line. */
  logged(line: RegExp): Promise<void>;
}

/** A submission service behind a proxy, and what it logs. */
async function serve(more: readonly string[], path: string): Promise<Served> {
  const words = ["tcpserver", "-1RHl0", ...more, "127.0.0.1", "0", "authup", "smtp", "checkpassword", "true"];
  const mark = process.env["ACCEPTUTILS_TEST_RUN"];
  const child = spawn(process.execPath, [join(root, "build", "app.cjs"), ...words], {
    env: {
      PATH: `${join(root, "build", "bin")}:${process.env["PATH"]}`,
      ACCEPTUTILS_HOME: await home(),
      ACCEPTUTILS_PROXIES: "127.0.0.1",
      ACCEPTUTILS_BLOCKLIST: path,
      ...(mark && { ACCEPTUTILS_TEST_RUN: mark }),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let log = "";
  child.stderr.on("data", (text: Buffer) => {
    log += text;
  });
  const gone = once(child, "exit").then(() => assert.fail(log));
  const [text] = (await Promise.race([once(child.stdout, "data"), gone])) as [Buffer];
  const logged = async (line: RegExp) => {
    while (!line.test(log)) await once(child.stderr, "data");
  };
  return { port: Number(text), log: () => log, logged };
}

const plain = (password: string) => `AUTH PLAIN ${Buffer.from(`\0alice\0${password}`).toString("base64")}`;

/** Says each line when the one before was answered. */
async function talk(port: number, family: "TCP4" | "TCP6", client: string, lines: readonly string[]) {
  const socket = connect({ port, host: "127.0.0.1" });
  const local = family === "TCP4" ? "192.0.2.1" : "2001:db8::1";
  socket.write(`PROXY ${family} ${client} ${local} 40000 ${port}\r\n`);
  const waiting = [...lines];
  const replies: string[] = [];
  for await (const reply of createInterface({ input: socket })) {
    replies.push(reply.slice(0, 3));
    const line = waiting.shift();
    if (line === undefined) break;
    socket.write(`${line}\r\n`);
  }
  socket.destroy();
  return replies;
}

/** The calls, once there are so many. */
async function callsIn(file: string, count: number): Promise<string[]> {
  const watcher = watch(file);
  for (;;) {
    const calls = readFileSync(file, "latin1").split("\n").slice(0, -1);
    if (calls.length >= count) {
      watcher.close();
      return calls;
    }
    await once(watcher, "change");
  }
}

for (const [where, words, name] of [
  ["in workers", [], "blocklist_sa"],
  ["as processes", ["--native"], "blacklist_sa"],
] as const) {
  test(`blocklistd is told of failed logins, and of the others: ${where}, by ${name}`, {
    skip: noCompiler,
    timeout: 60_000,
  }, async () => {
    const { path, calls } = library(name);
    const { port, log } = await serve(words, path);
    assert.deepEqual(await talk(port, "TCP4", "192.0.2.7", [plain("wrong"), "QUIT"]), ["220", "535", "221"]);
    assert.deepEqual(await callsIn(calls, 1), [`1 192.0.2.7 ${port} ${port} 16 authup`], log());
    await talk(port, "TCP6", "2001:db8::7", [plain("right")]);
    assert.deepEqual((await callsIn(calls, 2))[1], `0 2001:db8::7 ${port} ${port} 28 authup`, log());
  });
}

test("a library that is none, or a daemon that does not answer: a line in the log, and logins go on", {
  skip: noCompiler,
  timeout: 60_000,
}, async () => {
  for (const [path, why] of [
    [join(folder, "none.so"), /blocklistd was not told of 192\.0\.2\.7: .*none\.so/],
    [library("blocklist_sa", -1).path, /blocklistd was not told of 192\.0\.2\.7: blocklistd does not answer/],
  ] as const) {
    const { port, logged } = await serve([], path);
    const lines = [plain("wrong"), "NOOP", "QUIT"];
    assert.deepEqual(await talk(port, "TCP4", "192.0.2.7", lines), ["220", "535", "250", "221"]);
    await logged(why);
  }
});
