/**
 * Plays the golden transcripts of checkpassword against ours, as a process and in a worker of its user. The recorder's accounts were those of a
 * system; here they are lines of users/passwd. test/golden/README.md tells the format.
 */
import assert from "node:assert/strict";
import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { hashPassword } from "../src/control/password-hash.ts";
import { formatUser } from "../src/control/users.ts";
import { Secret } from "../src/protocol/checkpassword/secret.ts";
import { casesOf, root } from "./runner/case.ts";
import type { News, Task } from "./runner/resident.ts";

interface CheckpasswordCase {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly accounts: Readonly<Record<string, { password: string; home: string; shell: string }>>;
  readonly fd3: string | null;
  readonly exit: number;
  readonly run_as?: string;
  readonly program_saw?: {
    readonly argv: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
  };
}

const isRoot = process.getuid!() === 0;
/** A user that is no system account; without root, who we are. */
const uid = isRoot ? 64_999 : process.getuid!();
const gid = isRoot ? 64_999 : process.getgid!();
const nobody = 65_534;

/** Writes down what it finds, then exits 9. */
const show = `#!/bin/sh
for word in cpwshow "$@"; do printf 'argv %s\\n' "$word"; done
printf 'cwd %s\\nuid %s %s\\ngroups %s\\n' "$(pwd)" "$(id -u)" "$(id -g)" "$(id -G)"
if (: <&3) 2>/dev/null; then echo fd3 open; fi
env | sed 's/^/env /'
exit 9
`;

/** What a test sees of a program that has ended. */
interface Seen {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const folder = mkdtempSync(join(tmpdir(), "golden-checkpassword."));
after(() => rmSync(folder, { recursive: true, force: true }));

before(async () => {
  chmodSync(folder, 0o755);
  for (const name of ["bin", "users", "home", "home/alice"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "bin", "cpwshow"), show, { mode: 0o755 });
  const hash = await hashPassword(new Secret(Buffer.from("AlicePw1")));
  const home = join(folder, "home", "alice");
  const alice = { name: "alice", hash, uid, gid, gecos: "", home, shell: "/bin/sh" };
  writeFileSync(join(folder, "users", "passwd"), formatUser(alice) + "\n", { mode: 0o600 });
});

const variables = (env: CheckpasswordCase["env"]) => ({
  ...env,
  PATH: `${join(folder, "bin")}:${join(root, "build", "bin")}:/usr/bin:/bin`,
  ACCEPTUTILS_HOME: folder,
});

function playNatively({ argv, env, fd3, run_as }: CheckpasswordCase): Seen {
  const [word = "", ...args] = argv;
  const stdio: ("ignore" | "pipe" | number)[] = ["ignore", "pipe", "pipe"];
  if (fd3 !== null) {
    const file = join(folder, "fd3");
    writeFileSync(file, fd3, "latin1");
    chmodSync(file, 0o644);
    stdio.push(openSync(file, "r"));
  }
  return spawnSync(word, args, {
    encoding: "latin1",
    stdio,
    env: variables(env),
    ...(run_as !== undefined && isRoot ? { uid: nobody, gid: nobody } : {}),
  });
}

/** A worker is no root: it is the user already, and is asked by a program beside it. */
async function playInWorker({ argv, env, fd3, run_as }: CheckpasswordCase): Promise<Seen> {
  const passwd = join(folder, "users", "passwd");
  if (isRoot) chownSync(passwd, uid, gid);
  const client = join(folder, "client");
  const server = createServer().listen({ path: client, writableAll: true });
  await once(server, "listening");
  const who = run_as === undefined ? { uid, gid } : { uid: nobody, gid: nobody };
  const worker = fork(join(root, "test", "runner", "worker.ts"), [], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    ...(isRoot ? who : {}),
  });
  try {
    let stderr = "";
    const ending = Promise.withResolvers<number | null>();
    worker.on("message", (news: News) => {
      if ("log" in news) stderr += `${news.log}\n`;
      else ending.resolve("code" in news.ended ? news.ended.code : null);
    });
    worker.on("exit", () => ending.resolve(null));
    const task: Task = { argv, env: variables(env), cwd: folder, client, fd3 };
    worker.send(task);
    const [socket] = (await once(server, "connection")) as [Socket];
    const chunks: Buffer[] = await socket.toArray();
    return { status: await ending.promise, stdout: Buffer.concat(chunks).toString("latin1"), stderr };
  } finally {
    worker.kill();
    server.close();
    if (isRoot) chownSync(passwd, 0, 0);
  }
}

const hosts = { native: playNatively, resident: playInWorker } as const;

for (const [played, host] of casesOf<CheckpasswordCase>("checkpassword").flatMap((each) => [
  [each, "native"] as const,
  [each, "resident"] as const,
])) {
  test(`golden checkpassword: ${played.name}, ${host}`, async (t) => {
    if (played.run_as !== undefined && !isRoot) return t.skip("needs root, to be somebody else");
    const { status, stdout, stderr } = await hosts[host](played);
    // Without root for the shadow file the original could only say no. We can say why: try again later.
    const exit = played.name === "not-root-cannot-read-shadow" ? 111 : played.exit;
    assert.equal(status, exit, stderr);
    assert.doesNotMatch(stderr, /AlicePw1/);
    if (played.program_saw === undefined) return assert.equal(stdout, "");
    const lines = stdout.split("\n");
    const valuesOf = (key: string) =>
      lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
    assert.deepEqual(valuesOf("argv"), played.program_saw.argv);
    assert.deepEqual(valuesOf("cwd"), [played.program_saw.cwd.replace("/home", join(folder, "home"))]);
    assert.deepEqual(valuesOf("uid"), [`${uid} ${gid}`]);
    if (isRoot) assert.deepEqual(valuesOf("groups"), [String(gid)]);
    assert.deepEqual(valuesOf("fd3"), []);
    const surroundings = /^(PATH|PWD|OLDPWD|SHLVL|_|ACCEPTUTILS_\w+)=/;
    assert.deepEqual(
      valuesOf("env")
        .filter((line) => !surroundings.test(line))
        .sort(),
      Object.entries(played.program_saw.env)
        .map(([name, value]) => `${name}=${value.replace(/^\/home/, join(folder, "home"))}`)
        .sort(),
    );
    return undefined;
  });
}

test("no password in the log or in the next program's memory map of arguments", () => {
  const { stdout, stderr } = playNatively({
    ...casesOf<CheckpasswordCase>("checkpassword")[0]!,
    argv: ["checkpassword", "cat", "/proc/self/cmdline", "/proc/self/environ"],
  });
  assert.doesNotMatch(stdout + stderr, /AlicePw1/);
  assert.doesNotMatch(readFileSync(join(folder, "users", "passwd"), "latin1"), /AlicePw1/);
});
