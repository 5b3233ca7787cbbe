/** s6-tcpserver and s6-tcpserver-access: limits, users, readiness, and rules as Debian's s6 makes them. */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { missing } from "./clients/command.ts";
import { freePortBase } from "./free-ports.ts";
import { logged, type Server, UcspiListeners } from "./runner/ucspi-listeners.ts";

const listeners = new UcspiListeners();
after(() => listeners.close());
const at = (name: string) => join(listeners.folder, name);
const isRoot = process.getuid!() === 0;

const serving = (words: readonly string[], env: Record<string, string> = {}) =>
  listeners.running("s6-tcpserver", ["-1v", ...words], env);

async function visit(server: Pick<Server, "port">, host = "127.0.0.1"): Promise<string> {
  const socket = connect({ port: server.port, host });
  let text = "";
  try {
    for await (const chunk of socket) text += chunk;
  } catch {
    // One that is not served is reset.
  }
  return text;
}

async function endOf(server: Server): Promise<string> {
  await logged(server, /end pid \d+ .*\n[\s\S]*status: 0/);
  const { log } = server;
  server.log = "";
  return log;
}

test("the environment tells of the connection, and of others of the same address", async () => {
  const stale = { TCPREMOTEHOST: "stale", TCPREMOTEINFO: "stale", TCP6REMOTEIP: "stale" };
  const server = await serving(["-C2", "127.0.0.1", "0", "sh", "-c", "env; read line"], stale);
  const first = connect({ port: server.port, host: "127.0.0.1" });
  await once(first, "data");
  const second = connect({ port: server.port, host: "127.0.0.1" });
  let env = "";
  second.on("data", (chunk) => (env += chunk));
  while (!/^TCPCONNNUM=1$/m.test(env)) await once(second, "data");
  assert.match(env, /^PROTO=TCP$/m);
  assert.match(env, new RegExp(`^TCPLOCALPORT=${server.port}$`, "m"));
  assert.match(env, new RegExp(`^TCPREMOTEPORT=${second.localPort}$`, "m"));
  assert.doesNotMatch(env, /stale|^SSL|^TCP6|^TCP\w*HOST/m);
  assert.equal(await visit(server), "", "a third one is not served");
  await logged(server, /^s6-tcpserverd: info: reject 127\.0\.0\.1_\d+ count 2\/2$/m);
  first.end("go\n");
  second.end("go\n");
  await logged(server, /count 0\/2\n[\s\S]*status: 0\/40/);
  server.log = "";
});

test("one family of addresses; :: is both, and IPv4 looks as such", async () => {
  const env = await visit(await serving(["::", "0", "env"]));
  assert.match(env, /^TCPREMOTEIP=127\.0\.0\.1$/m);
  const four = listeners.running("s6-tcpserver4", ["-1v", "0", "0", "env"], {});
  assert.match(await visit(await four), /^PROTO=TCP$/m);
  const refused = spawnSync(join(listeners.bin, "s6-tcpserver6"), ["127.0.0.1", "0", "env"], {
    encoding: "utf8",
  });
  assert.equal(refused.status, 111);
  assert.match(refused.stderr, /^s6-tcpserver: fatal: .*127\.0\.0\.1: it is none of IPv6$/m);
});

const needsRoot = isRoot ? false : "needs root, to become somebody else";
test("-u, -g, -G and -U say who the programs are", { skip: needsRoot }, async () => {
  const given = await serving(["-u", "64801", "-g", "64802", "-G", "64803,64804", "127.0.0.1", "0", "id"]);
  assert.equal(await visit(given), "uid=64801 gid=64802 groups=64802,64803,64804\n");
  const ids = { UID: "64801", GID: "64802", GIDLIST: "64803" };
  const named = await serving(["-U", "127.0.0.1", "0", "id"], ids);
  assert.equal(await visit(named), "uid=64801 gid=64802 groups=64802,64803\n");
  const chain = await serving([
    "127.0.0.1",
    "0",
    "s6-tcpserver-access",
    "-H",
    "setuidgid",
    "64801:64802",
    "id",
  ]);
  assert.equal(await visit(chain), "uid=64801 gid=64802 groups=64802\n");
});

/** Rules as a folder; the cdb of it is made by Debian's program. */
const rules = at("rules");
function rule(key: string, files: Record<string, string>): void {
  mkdirSync(join(rules, key, "env"), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(rules, key, name), text);
}
rule("ip4/127.0.0.1_32", {
  allow: "",
  "env/WHO": "us  \nmore",
  "env/TCPCONNNUM": "",
  "env/RELAYCLIENT": "\n",
});
rule("ip4/127.0.0.2_32", { deny: "" });
rule("ip4/127.0.0.4_30", { allow: "", exec: "echo instead" });
const noCdbMaker = missing("s6-accessrules-cdb-from-fs");
if (noCdbMaker === false) {
  execFileSync("s6-accessrules-cdb-from-fs", [at("rules.cdb"), rules]);
  chmodSync(at("rules.cdb"), 0o644);
}

const noTcpserver = missing("tcpserver");
for (const [kind, options, skip] of [
  ["a folder", ["-i", rules], false],
  ["a cdb", ["-x", at("rules.cdb")], noCdbMaker],
] as const) {
  const access = ["s6-tcpserver-access", "-v2", "-H", "-l", "here", ...options, "env"];
  for (const [where, serve, none] of [
    ["in a worker", () => serving(["0.0.0.0", "0", ...access]), false],
    ["under Debian's tcpserver", () => under(["-1vRHl0", "0.0.0.0", "0", ...access]), noTcpserver],
  ] as const) {
    test(`rules in ${kind}, ${where}: variables, denial, nobody else`, { skip: skip || none }, async () => {
      const server = await serve();
      const env = await visit(server);
      assert.match(env, /^WHO=us$/m);
      assert.match(env, /^RELAYCLIENT=$/m);
      assert.match(env, /^TCPLOCALHOST=here$/m);
      assert.doesNotMatch(env, /^TCPCONNNUM=/m);
      await logged(server, /s6-tcpserver-access: pid \d+: info: allow pid \d+ ip 127\.0\.0\.1$/m);
      await logged(server, /status: 0\//);
      server.log = "";
      for (const client of ["127.0.0.2", "127.0.0.3"]) {
        const socket = connect({ port: server.port, host: "127.0.0.1", localAddress: client });
        assert.equal((await once(socket.resume(), "close"))[0], false);
        await logged(server, new RegExp(`info: deny pid \\d+ ip ${client.replaceAll(".", "\\.")}$`, "m"));
        await logged(server, /(exitcode 1 .*|status 256)\n/);
        await logged(server, /status: 0\//);
        server.log = "";
      }
    });
  }
}
const under = (words: readonly string[]) => listeners.running("/usr/bin/tcpserver", words, {});

const noExecline = missing("execlineb");
test("a rule may run something else", { skip: noExecline }, async () => {
  const server = await serving(["0.0.0.0", "0", "s6-tcpserver-access", "-H", "-i", rules, "env"]);
  const socket = connect({ port: server.port, host: "127.0.0.1", localAddress: "127.0.0.5" });
  assert.equal(String((await once(socket, "data"))[0]), "instead\n");
  await endOf(server);
});

test("rules that cannot be read let nobody in; without a server before it, it says so", async () => {
  const missingRules = ["s6-tcpserver-access", "-H", "-x", at("nowhere.cdb"), "env"];
  const server = await serving(["127.0.0.1", "0", ...missingRules]);
  assert.equal(await visit(server), "");
  assert.match(await endOf(server), /^s6-tcpserver-access: fatal: .*nowhere\.cdb.*\n.*exitcode 111 /m);
  const { status, stderr } = spawnSync(join(listeners.bin, "s6-tcpserver-access"), ["true"], {
    env: { PATH: process.env["PATH"] },
    encoding: "utf8",
  });
  assert.equal(status, 100);
  assert.match(stderr, /^s6-tcpserver-access: fatal: PROTO is not set/);
});

const noSupervise = missing("s6-supervise", "s6-svwait", "s6-svc");
test("-1 tells s6-supervise that clients are served", { skip: noSupervise }, async () => {
  const service = at("service");
  mkdirSync(service);
  writeFileSync(join(service, "notification-fd"), "3\n");
  const port = await freePortBase();
  writeFileSync(
    join(service, "run"),
    `#!/bin/sh\nexec s6-tcpserver -1v 127.0.0.1 ${port} s6-ucspitlsd echo served 1>&3 2>log\n`,
    { mode: 0o755 },
  );
  const supervise = spawn("s6-supervise", [service], { env: listeners.environment, stdio: "ignore" });
  try {
    // s6-svwait fails until there is something to wait for.
    while (spawnSync("s6-svwait", ["-t", "15000", "-U", service]).status !== 0);
    assert.equal(await visit({ port }), "served\n");
  } finally {
    spawnSync("s6-svc", ["-dx", service]);
    await once(supervise, "exit");
  }
});
