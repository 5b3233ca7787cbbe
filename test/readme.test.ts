/** The readme runs: every command in it, in the order it has them, on a copy of this checkout. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { freePortBase } from "./free-ports.ts";

const root = dirname(import.meta.dirname);
const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = (kind: string) =>
  [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    .filter(([, is]) => is === kind)
    .map(([, , text = ""]) => text);
const commands = blocks("sh");

const folder = mkdtempSync(join(tmpdir(), "readme-"));
const env: NodeJS.ProcessEnv = { ...process.env };
let service: ChildProcess | undefined;
let portBase = 0;

before(async () => {
  chmodSync(folder, 0o755); // the service's users must get through
  const files = execFileSync("git", ["ls-files", "-z", "-co", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  for (const file of files.split("\0")) if (file !== "") cpSync(join(root, file), join(folder, file));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  portBase = await freePortBase();
  for (const name of ["ACCEPTUTILS_HOME", "ACCEPTUTILS_STARTED_IN", "NODE_TEST_CONTEXT"]) delete env[name];
});

after(async () => {
  if (service !== undefined && service.exitCode === null) {
    const gone = once(service, "exit");
    process.kill(-service.pid!, "SIGTERM");
    await gone;
  }
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a block as the reader would, but for the ports. Tries again for a while: mail takes a moment to be delivered. */
function sh(block: string): string {
  const text = block.replace(/(?<=127\.0\.0\.1:)2(\d{3})/g, (_, offset: string) =>
    String(portBase + Number(offset)),
  );
  const until = performance.now() + 20_000;
  for (;;) {
    const { stdout, stderr, status } = spawnSync("sh", ["-e", "-c", text], {
      cwd: folder,
      env,
      encoding: "utf8",
    });
    if (status === 0) return stdout;
    if (performance.now() > until) assert.fail(`${text}\nexit code ${status}\n${stdout}${stderr}`);
  }
}

const next = (pattern: RegExp) => {
  const block = commands.shift() ?? "";
  assert.match(block, pattern);
  return block;
};

test("npm start: the service is up", { timeout: 120_000 }, async () => {
  assert.equal(next(/^npm start$/m), "npm start\n");
  const words = ["start", "--", "--json", "--port-base", String(portBase)];
  service = spawn("npm", words, { cwd: folder, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  service.stderr?.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  for await (const line of createInterface({ input: service.stdout! })) {
    if (!line.startsWith("{")) continue;
    const { users } = JSON.parse(line) as { users: { name: string; password: string }[] };
    for (const { name, password } of users) env[name.toUpperCase()] = password;
    break;
  }
  service.stdout?.resume();
  assert.ok(env["ALICE"] && env["BOB"], log);
});

test("npm test: runs what we are running", () => {
  assert.equal(next(/^npm test$/m), "npm test\n");
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  assert.match(scripts["test"] ?? "", /test\/run\.ts/);
});

const noCurl = spawnSync("curl", ["--version"]).error === undefined ? false : "curl is not installed";

test("a message is sent and fetched", { skip: noCurl }, () => {
  sh(next(/smtp:\/\//));
  const message = sh(next(/pop3:\/\//));
  assert.match(message, /^Received: \(ucspitls acceptutils authup alice TLSv1\.3 /m);
  assert.match(message, /^Subject: hello\r?$/m);
  assert.match(message, /^Message-ID: </im);
  assert.match(message, /\r\n\r\nHello, Bob\.\r\n/);
});

test("a user is added and listed", () => {
  if (noCurl !== false) commands.splice(0, 2);
  assert.match(
    sh(next(/user add/)),
    /^carol was added; password [a-z2-9-]{19}\nalice .*\nbob .*\ncarol .*\n$/,
  );
});

test("programs run by themselves", () => {
  const output = sh(next(/authup smtp false/));
  assert.match(output, /^220 \S+ ESMTP\r\n250-\S+\r\n250-AUTH LOGIN PLAIN\r\n/m);
  assert.match(
    output,
    /^221 \S+\r\n220 \S+ ESMTP\r\n250-\S+\r\n250-PIPELINING\r\n(?:250-SIZE \d+\r\n)?250 8BITMIME\r\n221 \S+\r\n$/m,
  );
  assert.deepEqual(commands, [], "a block that no test runs");
});

test("the run scripts are those of a new home", () => {
  const services = new Map([
    ["2525", "smtp"],
    ["2587", "submission"],
    ["2110", "pop3"],
  ]);
  for (const script of blocks("run")) {
    const [, , port = ""] = /^(\S+) (\d+) \\$/m.exec(script) ?? [];
    const name = services.get(port) ?? "";
    assert.ok(services.delete(port), port);
    const made = readFileSync(join(folder, "home", "service", name, "run"), "utf8");
    assert.equal(script.replace(` ${port} `, ` ${Number(port) - 2000 + portBase} `), made);
  }
  assert.deepEqual([...services], [], "a run script that is not shown");
});
