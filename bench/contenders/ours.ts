/** The whole service, as `npm start` makes it: its run scripts, walls, filters and log. */
import { spawnSync } from "node:child_process";
import { argon2Sync, randomBytes } from "node:crypto";
import { appendFileSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "../../tools/steps.ts";
import { messageOf } from "../load/message.ts";
import { type Contender, freePortBase, type Running, startServer, stopServer } from "./contender.ts";

const boot = [process.execPath, join(root, "boot.mjs"), "acceptutils"];
const host = "mail.bench.example";
const password = "correct horse battery staple";
const mailbox = 10;
/** Where the service beside the published ones listens, above the base. */
const bareOffset = 526;

export const ours: Contender = {
  name: "acceptutils",
  promise: "on disk, one flush for many",
  missing: () => undefined,
  start: (folder) => startOurs(folder),
};

/** `flags` go to Node.js, for the master and the workers that it starts. */
export async function startOurs(folder: string, flags: readonly string[] = []): Promise<Running> {
  const home = join(folder, "home");
  const base = await freePortBase([525, bareOffset, 587, 465, 110, 995]);
  const made = spawnSync(boot[0]!, [
    ...boot.slice(1),
    "init",
    home,
    "--host",
    host,
    "--port-base",
    String(base),
  ]);
  if (made.status !== 0) throw new Error(made.stderr.toString());
  prepare(home, base);
  spawnSync(process.execPath, [join(root, "tools", "build.ts")]);
  const app = [
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    ...flags,
    join(root, "build", "app.cjs"),
  ];
  const child = startServer([...app, "acceptutils", "up", home, "--json"], join(folder, "log"));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ready = await lines.next();
  if (ready.done) throw new Error(readFileSync(join(folder, "log"), "latin1"));
  return {
    doors: new Map([
      ["smtp", base + 525],
      ["bare smtp", base + bareOffset],
      ["submission", base + 587],
      ["pop3", base + 110],
    ]),
    roots: [child.pid!],
    recipient: `bob@${host}`,
    user: "alice",
    password,
    mailbox,
    stop: () => stopServer(child),
  };
}

/** What differs from a fresh home: sessions for many clients, a hash that costs next to nothing, deliveries on hold. */
function prepare(home: string, base: number): void {
  for (const name of ["smtp", "submission", "submissions", "pop3", "pop3s"]) {
    change(join(home, "service", name, "run"), (script) => script.replace("-vRl0 ", "-c 1200 -vRl0 "));
  }
  const bare = join(home, "service", "bare");
  mkdirSync(bare);
  const script = readFileSync(join(home, "service", "smtp", "run"), "latin1")
    .replace(String(base + 525), String(base + bareOffset))
    .replace("rblsmtpd -r zen.spamhaus.org \\\nfixsmtpio \\\n", "");
  writeFileSync(join(bare, "run"), script, { mode: 0o755 });
  change(join(home, "users", "passwd"), (text) =>
    text.replace(/^(alice|bob):[^:]*/gm, (_, name) => `${name}:${cheapHash()}`),
  );
  // Who delivers, and how often, is no part of accepting a message.
  writeFileSync(join(home, "control", "concurrencylocal"), "0\n");
  const message = messageOf(4096).toString("latin1").replaceAll("\r\n", "\n").replace(/\.\n$/, "");
  const folder = join(home, "mail", "alice", "Maildir", "new");
  const { uid, gid } = statSync(folder);
  for (let at = 0; at < mailbox; at++) {
    const path = join(folder, `${1_700_000_000 + at}.M${at}.${host}`);
    appendFileSync(path, message, "latin1");
    chownSync(path, uid, gid);
  }
}

function change(path: string, how: (text: string) => string): void {
  writeFileSync(path, how(readFileSync(path, "latin1")), "latin1");
}

function cheapHash(): string {
  const salt = randomBytes(16);
  const tag = argon2Sync("argon2id", {
    message: Buffer.from(password),
    nonce: salt,
    memory: 8,
    passes: 1,
    parallelism: 1,
    tagLength: 32,
  });
  const [a, b] = [salt, tag].map((bytes) => bytes.toString("base64").replace(/=+$/, ""));
  return `$argon2id$v=19$m=8,t=1,p=1$${a}$${b}`;
}
