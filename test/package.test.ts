import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { programNames } from "../src/programs/table.ts";
import { lookUp } from "../src/system/lookup.ts";
import { pack } from "../tools/pack.ts";

const root = dirname(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), "package-"));
const bin = join(folder, "node_modules", ".bin");
const env = { ...process.env, PATH: `${bin}:${dirname(process.execPath)}:${process.env["PATH"]}` };
after(() => rmSync(folder, { recursive: true }));

function npm(...words: string[]): string {
  const quiet = ["--no-audit", "--no-fund", "--offline", "--loglevel=error"];
  return execFileSync("npm", [...words, ...quiet], { cwd: folder, encoding: "utf8" });
}

before(async () => {
  const tarball = npm("pack", await pack(), "--pack-destination", folder)
    .trim()
    .split("\n")
    .at(-1)!;
  npm("install", join(folder, tarball));
});

test("it installs alone, and is small", () => {
  assert.deepEqual(
    readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith(".")),
    ["acceptutils"],
  );
  const octets = execFileSync("du", ["-sk", join(folder, "node_modules")], { encoding: "utf8" });
  assert.ok(parseInt(octets, 10) < 5000, octets);
});

test("every program is on PATH, and known as ours when it stands in a chain", () => {
  for (const name of programNames) assert.equal(lookUp(name, bin, "/").ours, name);
});

test("a program runs: one of ours execs somebody else's", () => {
  const asUser = process.getuid!() === 0 ? ["setpriv", "--reuid=65534", "--clear-groups"] : ["env"];
  const [first = "", ...rest] = asUser;
  spawnSync("chmod", ["-R", "go+rX", folder]);
  const { stdout, stderr, status } = spawnSync(first, [...rest, "checknotroot", "echo", "hello"], {
    env,
    encoding: "utf8",
  });
  assert.deepEqual({ stdout, stderr, status }, { stdout: "hello\n", stderr: "", status: 0 });
});

test("acceptutils makes a home folder, with launchers for this very package", () => {
  const { stderr, status } = spawnSync("acceptutils", ["init", "home"], {
    cwd: folder,
    env,
    encoding: "utf8",
  });
  assert.deepEqual({ stderr, status }, { stderr: "", status: 0 });
  const launcher = readFileSync(join(folder, "home", "bin", "checknotroot"), "utf8");
  assert.ok(launcher.includes(join(folder, "node_modules", "acceptutils", "app.cjs")), launcher);
});

test("the published rules come with their own tests", () => {
  const examples = join(folder, "node_modules", "acceptutils", "examples", "fixsmtpio");
  const words = ["rules", "test", examples];
  const { stdout, stderr, status } = spawnSync("acceptutils", words, { cwd: folder, env, encoding: "utf8" });
  assert.match(stdout, /\n\d+ sessions, 0 failed\n$/);
  assert.deepEqual({ stderr, status }, { stderr: "", status: 0 });
});

const library = 'import { parseCommand } from "acceptutils/protocol/smtp/command";\n';

test("the library can be imported", () => {
  writeFileSync(join(folder, "use.mjs"), `${library}console.log(typeof parseCommand);\n`);
  assert.equal(execFileSync(process.execPath, [join(folder, "use.mjs")], { encoding: "utf8" }), "function\n");
});

test("the library has types, and needs nothing but them", () => {
  mkdirSync(join(folder, "types"), { recursive: true });
  writeFileSync(join(folder, "types", "use.mts"), `${library}export const used: string = parseCommand;\n`);
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024"];
  const { stdout } = spawnSync(tsc, [...options, "--types", "", join(folder, "types", "use.mts")], {
    encoding: "utf8",
    cwd: folder,
  });
  assert.match(
    stdout,
    /use\.mts\(2,\d+\): error TS2322: Type '\(.*\) => .*' is not assignable to type 'string'/,
  );
  assert.equal(stdout.trim().split("\n").length, 1, stdout);
});

test("an older Node.js is refused in one line", (t) => {
  const old = ["/usr/bin/node", "/usr/local/bin/node"].find(
    (path) =>
      existsSync(path) && /^v(?:18|20|22)\./.test(execFileSync(path, ["--version"], { encoding: "utf8" })),
  );
  if (old === undefined) return t.skip("no older Node.js is installed");
  const { stdout, stderr, status } = spawnSync("checknotroot", ["true"], {
    env: { ...env, PATH: `${bin}:${dirname(old)}:/usr/bin:/bin` },
    encoding: "utf8",
  });
  assert.equal(stdout, "");
  assert.match(stderr, /^acceptutils: needs Node\.js 26 or newer; \S+ is v\d+\.\d+\.\d+\n$/);
  assert.equal(status, 111);
});
