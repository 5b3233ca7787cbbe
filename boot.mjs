// The first step of every command: plain JavaScript that any Node.js from 18 up can run.
// It brings what the lock file names (once), then hands over to the Node.js that the project is written for.
//
//   node boot.mjs acceptutils up        the program
//   node boot.mjs --run tools/check.ts  a script of ours
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
/** Names the lock file that node_modules was made from. */
const stamp = join(here, "node_modules", ".acceptutils-installed");
const lock = createHash("sha256")
  .update(readFileSync(join(here, "package-lock.json")))
  .digest("hex");
const ownNode = join(here, "node_modules", ".bin", "node");

const fail = (line) => {
  process.stderr.write(`acceptutils: ${line}\n`);
  process.exit(1);
};

function upToDate() {
  // A link is for whoever made it to keep up to date: npm would take it away.
  if (lstatSync(join(here, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink()) return true;
  return existsSync(stamp) && readFileSync(stamp, "latin1") === lock;
}

function install() {
  const npm = process.env.npm_execpath;
  const [command, before] = npm?.endsWith("js") ? [process.execPath, [npm]] : ["npm", []];
  // The environment of the npm that runs us would name the wrong Node.js to the one we start.
  const { status, error } = spawnSync(
    command,
    [...before, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    { cwd: here, stdio: ["ignore", 2, 2] },
  );
  if (error) fail(`cannot run npm: ${error.message}`);
  if (status !== 0) fail(`"npm ci" failed in ${here}; its own words are above`);
  writeFileSync(stamp, lock);
}

function runtime() {
  if (existsSync(ownNode)) return ownNode;
  if (Number.parseInt(process.versions.node, 10) >= 24) return process.execPath;
  return fail(
    `needs Node.js 24 or newer here: this is ${process.version} on ${process.platform}-${process.arch}, and only linux-x64 and linux-arm64 bring their own`,
  );
}

const flags = ["--disable-warning=ExperimentalWarning"];

if (!upToDate()) install();
const words = process.argv.slice(2);
const script = words[0] === "--run" ? words.slice(1) : [join("src", "main.ts"), ...words];
script[0] = join(here, script[0]);
const node = runtime();
if (words[0] === "acceptutils" && words[1] === "up") {
  // What stays for long runs from the bundle, as native programs do: it is smaller and starts again faster.
  const { status } = spawnSync(node, [...flags, join(here, "tools", "build.ts")], {
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) fail("the bundle could not be built; the reason is above");
  script[0] = join(here, "build", "app.cjs");
}
process.env.NODE_COMPILE_CACHE ??= join(here, "build", "cache");
// npm starts us in this folder, and tells where its own caller was.
const byNpm = process.env.npm_package_json === join(here, "package.json") && process.cwd() === here;
if (words[0] === "acceptutils") {
  process.env.ACCEPTUTILS_STARTED_IN ??= (byNpm && process.env.INIT_CWD) || process.cwd();
}

if (typeof process.execve === "function") {
  process.execve(node, [node, ...flags, ...script], process.env);
} else {
  const child = spawn(node, [...flags, ...script], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"]) {
    // A terminal sends its signals to both of us; passing it on once more is harmless.
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", (error) => fail(`cannot run ${node}: ${error.message}`));
  child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}
