/** `acceptutils up`, as people meet it: what keeps it from starting, what it shows, and how it ends. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, afterEach, before, test } from "node:test";
import { freePortBase } from "./free-ports.ts";

const root = dirname(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), "up-"));
chmodSync(folder, 0o755); // the service's users must get through
const home = join(folder, "home");
let portBase = 0;
const running = new Set<ChildProcess>();

before(async () => {
  portBase = await freePortBase();
});
afterEach(async () => {
  for (const child of running) await stop(child);
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Milliseconds; nothing here takes seconds. */
const deadline = 60_000;

interface Started {
  readonly child: ChildProcess;
  /** What it said on standard error so far. */
  log(): string;
}

function acceptutils(
  words: readonly string[],
  as?: { uid: number; gid: number },
  more: Readonly<Record<string, string>> = {},
): Started {
  const { ACCEPTUTILS_HOME: _, NODE_TEST_CONTEXT: __, ...inherited } = process.env;
  const env = { ...inherited, ...more };
  const child = spawn(process.execPath, [join(root, "boot.mjs"), "acceptutils", ...words], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    ...as,
  });
  let log = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  return { child, log: () => log };
}

interface Facts {
  readonly home: string;
  readonly services: readonly { name: string; host: string; port: number; tls: string }[];
  readonly users: readonly { name: string; password?: string }[];
}

/** Starts the service and waits for its line. */
async function up(...words: string[]): Promise<Facts & Started> {
  const started = acceptutils(["up", home, "--json", ...words]);
  running.add(started.child);
  started.child.on("exit", () => running.delete(started.child));
  const late = setTimeout(() => started.child.kill("SIGKILL"), deadline);
  for await (const line of createInterface({ input: started.child.stdout! })) {
    clearTimeout(late);
    return { ...(JSON.parse(line) as Facts), ...started };
  }
  assert.fail(started.log());
}

/** Its exit code, when it does not come up. */
async function refused(words: readonly string[], as?: { uid: number; gid: number }): Promise<string> {
  const { child, log } = acceptutils(words, as);
  running.add(child);
  const [code] = (await once(child, "close", { signal: AbortSignal.timeout(deadline) })) as [number];
  running.delete(child);
  assert.equal(code, 1, log());
  return log();
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  child.kill("SIGINT");
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}

const withBase = () => ["--port-base", String(portBase)];

test("the first start makes a home, and tells passwords that no log and no file has", async () => {
  const { child, log, services, users } = await up(...withBase(), "--host", "mail.example.org");
  assert.deepEqual(
    services.map(({ name, host, port, tls }) => [name, host, port - portBase, tls]),
    [
      ["smtp", "127.0.0.1", 525, "starttls"],
      ["submission", "127.0.0.1", 587, "starttls"],
      ["submissions", "127.0.0.1", 465, "implicit"],
      ["pop3", "127.0.0.1", 110, "starttls"],
      ["pop3s", "127.0.0.1", 995, "implicit"],
    ],
  );
  assert.deepEqual(
    users.map(({ name }) => name),
    ["alice", "bob"],
  );
  const socket = connect(portBase + 525, "127.0.0.1");
  const [greeting] = (await once(socket, "data")) as [Buffer];
  assert.equal(greeting.toString(), "220 mail.example.org ESMTP\r\n");
  socket.destroy();
  assert.match(
    await refused(["up", home]),
    /^acceptutils: \S+ is running already; stop it first, with Ctrl-C where it runs, or kill \d+$/m,
  );
  assert.equal(await stop(child), 0);
  for (const { password = "?" } of users) {
    assert.match(password, /^([a-z2-9]{4}-){3}[a-z2-9]{4}$/);
    assert.ok(!log().includes(password));
  }
});

test("the second start finds everything as it was, and has no passwords to tell", async () => {
  const before = readFileSync(join(home, "users", "passwd"), "utf8");
  const { users, services } = await up();
  assert.deepEqual(users, [{ name: "alice" }, { name: "bob" }]);
  assert.equal(services[0]?.port, portBase + 525);
  assert.equal(readFileSync(join(home, "users", "passwd"), "utf8"), before);
});

test("a taken port is one line that says which and what to do, and nothing is left running", async () => {
  const other = createServer().listen(portBase + 465, "127.0.0.1");
  await once(other, "listening");
  assert.equal(
    await refused(["up", home]),
    `acceptutils: port ${portBase + 465} of 127.0.0.1 for submissions: taken by another program; stop that one, or use other ports (--port-base N)\n`,
  );
  other.close();
  await assert.rejects(once(connect(portBase + 525, "127.0.0.1"), "connect"), /ECONNREFUSED/);
});

test("a broken control file is one line with its place", async () => {
  const rules = join(home, "control", "fixsmtpio");
  const good = readFileSync(rules, "utf8");
  appendFileSync(rules, ":ehlo::250*:x:\n");
  const line = good.split("\n").length;
  assert.equal(
    await refused(["up", home]),
    `acceptutils: ${rules}:${line}:13: exit code must be 0 to 255, not "x"\n`,
  );
  writeFileSync(rules, good);
});

test("s6 is told on the descriptor that it names, when everything answers", async () => {
  const child = spawn(process.execPath, [join(root, "build", "app.cjs"), "acceptutils", "up", home], {
    env: { ...process.env, ACCEPTUTILS_NOTIFY_FD: "3" },
    stdio: ["ignore", "ignore", "ignore", "pipe"],
  });
  running.add(child);
  child.on("exit", () => running.delete(child));
  assert.equal(String((await once(child.stdio[3]!, "data"))[0]), "\n");
  const client = connect({ port: portBase + 525, host: "127.0.0.1" });
  assert.match(String((await once(client, "data"))[0]), /^220 /);
  client.destroy();
  assert.equal(await stop(child), 0);
});

test("a word of a run script that names no program is one line with the script, at once", async () => {
  const script = join(home, "service", "smtp", "run");
  const good = readFileSync(script, "utf8");
  for (const [word, line] of [
    ["sslserver", /^acceptutils: service\/smtp\/run: .*sslserverx.*: No such file or directory$/m],
    ["qmail-smtpd", /^acceptutils: service\/smtp\/run: sslserver: fatal: unable to run qmail-smtpdx: .*$/m],
  ] as const) {
    writeFileSync(script, good.replace(word, `${word}x`));
    assert.match(await refused(["up", home]), line);
  }
  writeFileSync(script, good);
});

test("a script that breaks later is tried again, and says why once", async () => {
  const { child, log } = await up();
  const script = join(home, "service", "pop3", "run");
  const runs = join(home, "runs");
  const good = readFileSync(script, "utf8");
  writeFileSync(script, `#!/bin/sh\necho run >> ${runs}\necho out of order\nexit 3\n`);
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "latin1").trim().split(" ");
  const servers = children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "latin1") === "sslserver\0");
  for (const pid of servers) process.kill(Number(pid), "SIGKILL");
  const count = () => (existsSync(runs) ? readFileSync(runs, "latin1").split("\n").length - 1 : 0);
  while (count() < 4) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(log().match(/^pop3 +out of order$/gm)?.length, 1);
  writeFileSync(script, good);
  rmSync(runs);
});

test("what a home lacks, or has in the wrong shape, is one line before anything starts", async () => {
  for (const [file, text] of [
    ["users/passwd", "is missing; acceptutils init makes what is missing"],
    ["mail", "is missing; acceptutils init makes what is missing"],
    ["service/pop3/run", "is a folder, and should be a file: move it away"],
  ] as const) {
    renameSync(join(home, file), join(folder, "aside"));
    if (text.startsWith("is a folder")) mkdirSync(join(home, file));
    assert.equal(await refused(["up", home, ...withBase()]), `acceptutils: ${join(home, file)}: ${text}\n`);
    rmSync(join(home, file), { recursive: true, force: true });
    renameSync(join(folder, "aside"), join(home, file));
  }
});

test("what init makes again is what was missing", async () => {
  renameSync(join(home, "mail"), join(folder, "aside"));
  const { child } = acceptutils(["init", home]);
  running.add(child);
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.deepEqual(readdirSync(join(home, "mail")).sort(), readdirSync(join(folder, "aside")).sort());
  rmSync(join(home, "mail"), { recursive: true });
  renameSync(join(folder, "aside"), join(home, "mail"));
});

test("started again by its guard, it serves what it can and says what it cannot", async () => {
  const script = join(home, "service", "pop3", "run");
  renameSync(script, join(folder, "aside-script"));
  mkdirSync(script);
  const { child, log } = acceptutils(["up", home, ...withBase()], undefined, { ACCEPTUTILS_RESUMED: "1" });
  running.add(child);
  while (!/running again|\n\s+at /.test(log()) && child.exitCode === null) await once(child.stderr!, "data");
  const told = log().split("\n");
  assert.ok(told.includes(`acceptutils: ${script}: is a folder, and should be a file: move it away`), log());
  assert.doesNotMatch(log(), /EISDIR|\n\s+at /);
  assert.match(
    log(),
    new RegExp(`^acceptutils: running again, as process ${child.pid}: kill ${child.pid} stops it$`, "m"),
  );
  await stop(child);
  rmSync(script, { recursive: true });
  renameSync(join(folder, "aside-script"), script);
});

/** Puts a server that is none of ours, in the words of node -e, in place of the run script of smtp. */
function foreignServer(code: string): { restore(): void } {
  const script = join(home, "service", "smtp", "run");
  const ours = readFileSync(script, "utf8");
  const words = code.replace(/\s+/g, " ");
  writeFileSync(
    script,
    `#!/bin/sh\nexec 2>&1\nexec ${process.execPath} -e '${words}' \\\n127.0.0.1 ${portBase + 525} \\\nfixsmtpio\n`,
  );
  return { restore: () => writeFileSync(script, ours) };
}

test("a server of somebody else's in a run script is up when it answers", async () => {
  const { restore } = foreignServer(`
    require("net").createServer((socket) => socket.on("error", () => {}).end("220 foreign\\r\\n"))
      .listen(process.argv[2], process.argv[1])`);
  const { child } = await up();
  const [greeting] = (await once(connect(portBase + 525), "data")) as [Buffer];
  assert.equal(greeting.toString(), "220 foreign\r\n");
  assert.equal(await stop(child), 0);
  restore();
});

test("it stops when it is told to before everything answers", async () => {
  const { restore } = foreignServer(`console.error("here"); setInterval(() => {}, 1000)`);
  const { child, log } = acceptutils(["up", home]);
  running.add(child);
  while (!/^smtp +here$/m.test(log())) await once(child.stderr!, "data");
  assert.equal(await stop(child), 0);
  running.delete(child);
  restore();
});

test("a home without services is one line", async () => {
  renameSync(join(home, "service"), join(folder, "aside"));
  assert.equal(
    await refused(["up", home]),
    `acceptutils: ${home}/service: is missing; acceptutils init makes what is missing\n`,
  );
  renameSync(join(folder, "aside"), join(home, "service"));
});

test("a queue that was taken away is made again", async () => {
  rmSync(join(home, "queue"), { recursive: true });
  const { services } = await up();
  assert.equal(services.length, 5);
});

test("a folder that we may not read is one line", async (t) => {
  if (process.getuid!() !== 0) return t.skip("only root can be somebody else");
  const closed = join(folder, "closed");
  const nobody = { uid: 65534, gid: 65534 };
  assert.match(
    await refused(["up", closed, ...withBase()], nobody),
    /^acceptutils: \/\S+: access denied; start as its owner, or name another place with --home\n$/,
  );
  assert.match(
    await refused(["up", home], nobody),
    /^acceptutils: \S+\/service\/\.up: access denied; start as its owner, or name another place with --home\n$/,
  );
});

test("a folder that is somebody else's is not touched", async () => {
  writeFileSync(join(folder, "precious"), "");
  assert.match(
    await refused(["up", folder]),
    /^acceptutils: \S+ has "\S+" in it and is no home folder of ours: name a new or empty folder\n$/,
  );
});

test("other ports at another start", async () => {
  portBase = await freePortBase();
  const { services } = await up(...withBase());
  assert.deepEqual(
    services.map(({ port }) => port - portBase),
    [525, 587, 465, 110, 995],
  );
});
