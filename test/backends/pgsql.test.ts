/** PostgreSQL with a cluster of this test's own; hashes of every form a table may have. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, globSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { atOnce, type Backend, Unable } from "../../src/auth/backend.ts";
import { Secret } from "../../src/protocol/checkpassword/secret.ts";
import { surroundingsOf } from "../../src/system/backends/surroundings.ts";
import { openBackend } from "../../src/system/backends/table.ts";
import { makeCertificate } from "./certificate.ts";
import { contract, gid, isRoot, makeHome, people, removeHome, uid } from "./contract.ts";
import { type Daemon, freePort, missing, startDaemon } from "./daemon.ts";
import { cheapHash } from "./hashes.ts";
import { cryptHash, noMkpasswd } from "./mkpasswd.ts";

const [bin] = globSync("/usr/lib/postgresql/*/bin").sort().reverse();
const noServer = bin === undefined && "PostgreSQL (Debian: postgresql) is not installed";
const skip = noServer || missing("openssl", "openssl") || noMkpasswd;
/** PostgreSQL does not start as root. */
const owner = isRoot ? { uid: 65_534, gid: 65_534 } : {};

interface Cluster extends Daemon {
  readonly port: number;
  readonly settings: string;
  /** What its own client says to SQL. */
  sql(text: string): string;
}

async function startCluster(home: string): Promise<Cluster> {
  const folder = join(home, "pg");
  mkdirSync(folder);
  const { key, certificate } = makeCertificate(folder);
  chmodSync(key, 0o600);
  for (const file of [folder, ...readdirSync(folder).map((name) => join(folder, name))]) {
    if (isRoot) chownSync(file, 65_534, 65_534);
  }
  const data = join(folder, "data");
  const run = (program: string, words: readonly string[], input = "") =>
    execFileSync(join(bin!, program), words, { ...owner, input, cwd: folder, encoding: "utf8" });
  run("initdb", ["-D", data, "-U", "admin", "-A", "trust", "-N", "--no-locale", "-E", "UTF8"]);
  writeFileSync(
    join(data, "pg_hba.conf"),
    "local all admin trust\nhostssl all mail 127.0.0.1/32 scram-sha-256\nlocal all mail scram-sha-256\n",
  );
  const port = await freePort();
  const options = [
    "listen_addresses=127.0.0.1",
    `port=${port}`,
    `unix_socket_directories=${folder}`,
    "fsync=off",
  ];
  const tls = ["ssl=on", `ssl_cert_file=${certificate}`, `ssl_key_file=${key}`];
  const words = [...options, ...tls].flatMap((option) => ["-c", option]);
  const daemon = await startDaemon([join(bin!, "postgres"), "-D", data, ...words], port, owner);
  // It listens before it answers: on a busy machine for longer than a client takes to come.
  const ready = ["-h", folder, "-p", String(port), "-q"];
  for (let tries = 0; tries < 1000 && spawnSync(join(bin!, "pg_isready"), ready).status !== 0; ) tries += 1;
  const sql = (text: string) =>
    run(
      "psql",
      ["-h", folder, "-p", String(port), "-U", "admin", "-d", "postgres", "-qAtX", "-v", "ON_ERROR_STOP=1"],
      text,
    );
  sql(`CREATE ROLE mail LOGIN PASSWORD 'd4tabase';
    CREATE TABLE users (name text PRIMARY KEY, password text, uid int, gid int, home text);
    GRANT SELECT ON users TO mail;`);
  writeFileSync(join(home, "secret"), "d4tabase\n", { mode: 0o600 });
  const settings = `port ${port}\ndatabase postgres\nuser mail\npasswordfile ${home}/secret\nca ${certificate}\n`;
  return { ...daemon, port, sql, settings };
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
const insert = (name: string, password: string, home: string, id = uid) =>
  `INSERT INTO users VALUES (${quoted(name)}, ${quoted(password)}, ${id}, ${gid}, ${quoted(home)});\n`;

contract("checkpassword-pgsql", { skip }, async () => {
  const home = makeHome();
  const cluster = await startCluster(home);
  for (const [name, password] of Object.entries(people)) {
    const hash = name === "bob" ? `{SHA512-CRYPT}${cryptHash(password, "sha512crypt")}` : cheapHash(password);
    cluster.sql(
      insert(name, name === "locked" ? "!" : hash, join(home, "home", name), name === "wheel" ? 0 : uid),
    );
  }
  writeFileSync(join(home, "control", "checkpassword-pgsql"), cluster.settings);
  return { home, leave: () => cluster.stop(), stop: () => cluster.stop() };
});

describe("checkpassword-pgsql, with other settings", { skip }, () => {
  let home: string;
  let cluster: Cluster;
  const backends: Backend[] = [];
  before(async () => {
    home = makeHome();
    cluster = await startCluster(home);
    cluster.sql(insert("alice", cheapHash(people.alice), "/h"));
  });
  after(async () => {
    for (const backend of backends) backend.close?.();
    await cluster?.stop();
    removeHome(home);
  });

  async function ask(settings: string, user = "alice", password: string = people.alice) {
    writeFileSync(join(home, "control", "checkpassword-pgsql"), settings);
    const backend = await openBackend("checkpassword-pgsql", surroundingsOf(home));
    backends.push(backend);
    const secret = new Secret(Buffer.from(password));
    return backend.verify({ user, secret, client: "", timestamp: "" }, atOnce);
  }
  const unable = (settings: string, why: RegExp) =>
    assert.rejects(ask(settings), (error: Error) => {
      assert.ok(error instanceof Unable, String(error.stack));
      assert.match(error.message, why);
      assert.doesNotMatch(error.message, /d4tabase|AlicePw1/);
      return true;
    });

  test("what PostgreSQL itself keeps of a password is a hash, too", async () => {
    cluster.sql(`CREATE ROLE scram PASSWORD ${quoted(people.bob)};
      INSERT INTO users SELECT rolname, rolpassword, ${uid}, ${gid}, '/h' FROM pg_authid WHERE rolname = 'scram';`);
    assert.equal((await ask(cluster.settings, "scram", people.bob))?.uid, uid);
    assert.equal(await ask(cluster.settings, "scram", people.alice), undefined);
  });

  test("any query with $1 will do, over a UNIX socket as over TCP; what it does not say is set", async () => {
    const socket = cluster.settings + `host ${home}/pg\n`;
    const query =
      "query SELECT password, 'al' AS user, '/s' AS shell FROM users WHERE lower(name) = lower($1)\n";
    const account = await ask(`${socket}${query}uid 7\ngid 8\nhome /srv/%u\n`, "ALICE");
    assert.deepEqual(account, { user: "al", uid: 7, gid: 8, home: "/srv/al", shell: "/s" });
  });

  test("what is wrong with server, rights or query is in the log, and nobody gets in", async () => {
    await unable(cluster.settings.replace(/^ca .*\n/m, ""), /self-signed certificate/);
    await unable(`${cluster.settings}tls no\n`, /no pg_hba\.conf entry|no encryption/);
    writeFileSync(join(home, "wrong"), "wrong\n");
    await unable(cluster.settings.replace("/secret", "/wrong"), /password authentication failed/);
    await unable(cluster.settings.replace("/secret", "/nowhere"), /unable to read .*: file does not exist/);
    await unable(
      `${cluster.settings}query SELECT nothing FROM users WHERE name = $1\n`,
      /column "nothing" does not exist/,
    );
    await unable(
      `${cluster.settings}query SELECT password, 1, 1 FROM users WHERE name = $1 OR true\n`,
      /set uid|more than one row/,
    );
    await unable(
      `${cluster.settings}timeout 1\nquery SELECT pg_sleep(30), $1\n`,
      /no answer within 1 seconds|statement timeout/,
    );
    await unable(cluster.settings.replace(/^port.*/m, "port 1"), /ECONNREFUSED/);
    await unable(
      `${cluster.settings}query SELECT 1\n`,
      /control\/checkpassword-pgsql:6:7: query wants \$1 in it/,
    );
  });

  test("one set of connections serves many logins, and lasts while the settings do", async () => {
    writeFileSync(join(home, "control", "checkpassword-pgsql"), cluster.settings);
    const backend = await openBackend("checkpassword-pgsql", { ...surroundingsOf(home), alone: false });
    backends.push(backend);
    const one = () =>
      backend.verify(
        { user: "alice", secret: new Secret(Buffer.from(people.alice)), client: "", timestamp: "" },
        atOnce,
      );
    const answers = await Promise.all(Array.from({ length: 40 }, one));
    assert.ok(answers.every((answer) => answer?.uid === uid));
    const count = cluster.sql(
      "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'checkpassword-pgsql'",
    );
    assert.ok(Number(count) >= 1 && Number(count) <= 4 + backends.length, count);
  });
});
