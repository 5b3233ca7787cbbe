/** The whole service, as `npm start` makes it: its run scripts, walls, filters and log. */
import { spawnSync } from "node:child_process";
import { argon2Sync, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "../../tools/steps.ts";
import {
  type Contender,
  host,
  type Place,
  password,
  type Running,
  sessionsAtOnce,
  usual,
} from "../contender/contender.ts";
import { fill } from "../contender/mailbox.ts";
import { answered, freePortBase, startServer } from "../contender/serve.ts";

const boot = [process.execPath, join(root, "boot.mjs"), "acceptutils"];
/** Where the services beside the published ones listen, above the base. */
const offsets = { bare: 526, clearPop3: 111 };

export const ours: Contender = {
  name: "acceptutils",
  kind: "ours",
  compiles: true,
  quick: true,
  promise: "on disk, one flush for many",
  missing: () => undefined,
  start: (place) => startOurs(place),
};

/** `flags` go to Node.js, for all of ours that runs. `under`: words that run the whole. */
export async function startOurs(
  place: Place,
  flags: readonly string[] = [],
  under: readonly string[] = [],
): Promise<Running> {
  const home = join(place.folder, "home");
  const base = await freePortBase([525, 587, 465, 110, 995, ...Object.values(offsets)]);
  const init = [...boot.slice(1), "init", home, "--host", host, "--port-base", String(base)];
  const made = spawnSync(boot[0]!, init);
  if (made.status !== 0) throw new Error(made.stderr.toString());
  prepare(home, base);
  const built = spawnSync(process.execPath, [join(root, "tools", "build.ts")]);
  if (built.status !== 0) throw new Error(built.stderr.toString());
  const app = [
    ...under,
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    ...flags,
    join(root, "build", "app.cjs"),
  ];
  // Programs of run scripts are started by launchers, which know of no flags.
  const options = [process.env["NODE_OPTIONS"] ?? "", ...flags].join(" ").trim();
  const env = options === "" ? process.env : { ...process.env, NODE_OPTIONS: options };
  const child = startServer(place, [...app, "acceptutils", "up", home, "--json"], { env });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ready = await lines.next();
  if (ready.done) throw new Error(readFileSync(join(place.folder, "log"), "latin1"));
  answered(place);
  return {
    ...usual,
    recipient: `bob@${host}`,
    doors: new Map([
      ["smtp", base + 525],
      ["bare smtp", base + offsets.bare],
      ["submission", base + 587],
      ["pop3", base + 110],
      ["pop3 clear", base + offsets.clearPop3],
    ]),
  };
}

/** What differs from a fresh home: sessions for many clients, a hash that costs next to nothing, deliveries on hold. */
function prepare(home: string, base: number): void {
  for (const name of ["smtp", "submission", "submissions", "pop3", "pop3s"]) {
    change(join(home, "service", name, "run"), (text) =>
      text.replace("-vRl0 ", `-c ${sessionsAtOnce} -vRl0 `),
    );
  }
  // The receiving program with nothing in front of it, and passwords in clear: neither is published.
  addService(home, "bare", "smtp", (script) =>
    without("rblsmtpd -r zen.spamhaus.org \\\nfixsmtpio \\\n", script).replace(
      String(base + 525),
      String(base + offsets.bare),
    ),
  );
  addService(home, "clearpop3", "pop3", (script) =>
    script
      .replace(String(base + 110), String(base + offsets.clearPop3))
      .replace("UCSPITLS='!'", "UCSPITLS=''"),
  );
  change(join(home, "users", "passwd"), (text) =>
    text.replace(/^(alice|bob):[^:]*/gm, (_, name) => `${name}:${cheapHash()}`),
  );
  // Who delivers, and how often, is no part of accepting a message.
  writeFileSync(join(home, "control", "concurrencylocal"), "0\n");
  const maildir = join(home, "mail", "alice", "Maildir");
  const { uid, gid } = statSync(join(maildir, "new"));
  fill(maildir, uid, gid);
}

function without(words: string, script: string): string {
  if (!script.includes(words)) throw new Error(`the run script has no longer ${words}`);
  return script.replace(words, "");
}

/** A service like another, with another run script. */
function addService(home: string, name: string, like: string, how: (script: string) => string): void {
  const script = changed(join(home, "service", like, "run"), how);
  mkdirSync(join(home, "service", name));
  writeFileSync(join(home, "service", name, "run"), script, { mode: 0o755 });
}

/** Throws when there is nothing to change: what was measured would be something else. */
function change(path: string, how: (text: string) => string): void {
  writeFileSync(path, changed(path, how), "latin1");
}

function changed(path: string, how: (text: string) => string): string {
  const before = readFileSync(path, "latin1");
  const after = how(before);
  if (after === before) throw new Error(`${path} is not as it was: nothing to change in it`);
  return after;
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
