/** The wall around private keys, looked at from outside: who runs as whom, what is open, what can be read. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { selfSigned } from "../src/system/home/certificate.ts";
import { partsOfBundle } from "../tools/bundle.ts";
import { missing } from "./clients/command.ts";
import { root } from "./runner/case.ts";

const isRoot = process.getuid!() === 0;
const folder = mkdtempSync(join(tmpdir(), "wall."));
chmodSync(folder, 0o711);
const certificate = join(folder, "key-and-cert.pem");
writeFileSync(certificate, selfSigned({ names: ["mx.example"], now: new Date() }), { mode: 0o600 });
const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

const ids = { program: "7791", group: "2108", tls: "7795", tlsGroup: "2109" };

async function serving(words: readonly string[], env: Record<string, string> = {}) {
  const marked = process.env["ACCEPTUTILS_TEST_RUN"];
  const child = spawn(join(root, "build", "bin", "sslserver"), ["-1RH", ...words], {
    env: {
      PATH: process.env["PATH"],
      CERTFILE: certificate,
      ...(isRoot && { SSL_UID: ids.tls, SSL_GID: ids.tlsGroup }),
      ...env,
      ...(marked && { ACCEPTUTILS_TEST_RUN: marked }),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  child.on("exit", () => running.delete(child));
  child.stderr.resume();
  const port = Number((await once(child.stdout, "data"))[0]);
  assert.equal(await everything(inTls(port)), "hello\n"); // all are there
  const pids = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "latin1").trim().split(" ");
  const named = (name: string) =>
    Number(
      pids.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith(`acceptutils: ${name}\0`)),
    );
  return {
    port,
    master: child.pid!,
    front: named("front"),
    tls: named("tls"),
    stop: async () => {
      child.kill("SIGTERM");
      await once(child, "close");
    },
  };
}

async function everything(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}
const inTls = (port: number) => connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });

/** Real, effective, saved and file-system ids, of a user or a group. */
const idsOf = (pid: number, what: "Uid" | "Gid" | "Groups") =>
  new RegExp(`^${what}:\\s*(.*?)\\s*$`, "m")
    .exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]
    ?.split(/\s+/) ?? [];

const asRoot = { skip: isRoot ? false : "needs root" };
const asProgram = isRoot ? ["-u", ids.program, "-g", ids.group] : [];
const hello = ["127.0.0.1", "0", "echo", "hello"];

test("each process runs as whom it should, with no other group, and cannot become more", asRoot, async () => {
  const server = await serving([...asProgram, ...hello]);
  for (const [pid, uid, gid] of [
    [server.front, ids.program, ids.group],
    [server.tls, ids.tls, ids.tlsGroup],
  ] as const) {
    assert.deepEqual(idsOf(pid, "Uid"), [uid, uid, uid, uid]);
    assert.deepEqual(idsOf(pid, "Gid"), [gid, gid, gid, gid]);
    assert.deepEqual(idsOf(pid, "Groups"), [gid]);
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    assert.match(status, /^CapEff:\s*0+$/m);
    assert.match(status, /^NoNewPrivs:\s*1$/m);
  }
  await server.stop();
});

test("programs in front of which nobody is named are not run by root", asRoot, async () => {
  const server = await serving(["127.0.0.1", "0", "echo", "hello"], { SSL_UID: "", SSL_GID: "" });
  for (const pid of [server.front, server.tls]) assert.ok(!idsOf(pid, "Uid").includes("0"));
  await server.stop();
});

test("nobody has a key's file open, and only the master could", asRoot, async () => {
  const server = await serving([...asProgram, ...hello]);
  for (const pid of [server.master, server.front, server.tls]) {
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    assert.deepEqual(
      open.filter((path) => path.startsWith("/") && !/^\/(dev\/(null|urandom)|memfd:|proc\/)/.test(path)),
      [partsOfBundle()], // the program itself
      `process ${pid}`,
    );
  }
  await server.stop();
});

for (const who of ["program", "tls"] as const) {
  const cannot = isRoot ? missing("setpriv") : "needs root";
  test(`as the user of the ${who} process: neither key nor memory of the TLS process`, {
    skip: cannot,
  }, async () => {
    const server = await serving([...asProgram, ...hello]);
    const as = [`--reuid=${ids[who]}`, `--regid=${ids.group}`, "--clear-groups"];
    const tries: readonly (readonly string[])[] = [
      ["cat", certificate],
      ["head", "-c1", `/proc/${server.tls}/mem`],
      ["cat", `/proc/${server.tls}/maps`],
      ["ls", `/proc/${server.tls}/fd`],
      ["cat", `/proc/${server.tls}/environ`],
      ["head", "-c1", `/proc/${server.master}/mem`],
    ];
    for (const words of tries) {
      const { status, stderr } = spawnSync("setpriv", [...as, ...words], { encoding: "latin1" });
      assert.notEqual(status, 0, words.join(" "));
      assert.match(stderr, /[Pp]ermission denied/, words.join(" "));
    }
    // The tries could succeed: what is everybody's can be read so.
    assert.equal(
      spawnSync("setpriv", [...as, "cat", "/proc/self/comm"], { encoding: "latin1" }).stdout,
      "cat\n",
    );
    await server.stop();
  });
}

test("the TLS process leaves no core file", async () => {
  const server = await serving([...asProgram, ...hello]);
  // What may not be dumped belongs to root, whoever it runs as. proc(5)
  const [, owner] = execFileSync("stat", ["-c", "%n %u", `/proc/${server.tls}/environ`], {
    encoding: "latin1",
  })
    .trim()
    .split(" ");
  assert.equal(owner, "0");
  await server.stop();
});

test("the TLS process touches no file after its start", {
  skip: missing("strace") || asRoot.skip,
}, async () => {
  const server = await serving([...asProgram, ...hello]);
  const trace = join(folder, "trace");
  const tracer = spawn(
    "strace",
    [
      "-f",
      "-qq",
      "-e",
      "trace=%file,execve,socket,connect,bind,ptrace",
      "-o",
      trace,
      "-p",
      String(server.tls),
    ],
    {
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  const traced = () => !/^TracerPid:\s*0$/m.test(readFileSync(`/proc/${server.tls}/status`, "latin1"));
  while (!traced() && tracer.exitCode === null) await new Promise(setImmediate);
  assert.ok(traced());
  for (let visits = 0; visits < 3; visits++) assert.equal(await everything(inTls(server.port)), "hello\n");
  const garbage = connect({ port: server.port, host: "127.0.0.1" });
  garbage.end("no hello\r\n");
  await everything(garbage).catch(() => "");
  tracer.kill("SIGINT");
  await once(tracer, "exit");
  assert.equal(readFileSync(trace, "latin1").replace(/^\d+ +(--- SIG|\+\+\+ ).*\n/gm, ""), "");
  await server.stop();
});
