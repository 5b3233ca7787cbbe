/** OpenLDAP's slapd with a directory of this test's own: StartTLS, ldaps, and what must not work. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { atOnce, Unable } from "../../src/auth/backend.ts";
import { Secret } from "../../src/protocol/checkpassword/secret.ts";
import { surroundingsOf } from "../../src/system/backends/surroundings.ts";
import { openBackend } from "../../src/system/backends/table.ts";
import { makeCertificate } from "./certificate.ts";
import { contract, gid, makeHome, people, removeHome, uid } from "./contract.ts";
import { type Daemon, freePort, missing, startDaemon } from "./daemon.ts";

const skip = missing("slapd", "slapd") || missing("openssl", "openssl");
const base = "dc=mail,dc=example";

interface Directory extends Daemon {
  readonly port: number;
  readonly securePort: number;
  readonly ca: string;
}

/** The users as entries; `locked` has no password. */
function ldif(home: string): string {
  const entries = Object.entries(people).map(([name, password]) => [
    ...[`dn: uid=${name},ou=people,${base}`, "objectClass: account", "objectClass: posixAccount"],
    ...["objectClass: shadowAccount", `cn: ${name}`, `uid: ${name}`, `gidNumber: ${gid}`],
    ...[
      `uidNumber: ${name === "wheel" ? 0 : uid}`,
      `homeDirectory: ${home}/home/${name}`,
      "loginShell: /bin/sh",
    ],
    ...(name === "locked" ? [] : [`userPassword:: ${Buffer.from(password).toString("base64")}`]),
  ]);
  const units = [
    [`dn: ${base}`, "objectClass: dcObject", "objectClass: organization", "o: mail", "dc: mail"],
    [`dn: ou=people,${base}`, "objectClass: organizationalUnit", "ou: people"],
    [
      `dn: cn=mail,${base}`,
      "objectClass: organizationalRole",
      "objectClass: simpleSecurityObject",
      "cn: mail",
      "userPassword: s3arch",
    ],
  ];
  return [...units, ...entries].map((lines) => `${lines.join("\n")}\n`).join("\n");
}

async function startDirectory(home: string): Promise<Directory> {
  const folder = join(home, "slapd");
  for (const name of ["slapd", "slapd/db"]) mkdirSync(join(home, name));
  const { key, certificate } = makeCertificate(folder);
  const config = join(folder, "conf");
  writeFileSync(
    config,
    [
      ...["core", "cosine", "nis"].map((name) => `include /etc/ldap/schema/${name}.schema`),
      ...["modulepath /usr/lib/ldap", "moduleload back_mdb", `pidfile ${folder}/pid`],
      ...[`TLSCertificateFile ${certificate}`, `TLSCertificateKeyFile ${key}`],
      // Who is nobody sees nothing, and no password is said in clear.
      ...[
        "require authc",
        "security simple_bind=128",
        "database mdb",
        `suffix ${base}`,
        `directory ${folder}/db`,
      ],
      ...[
        "access to attrs=userPassword by anonymous auth by * none",
        `access to * by dn="cn=mail,${base}" read`,
        "",
      ],
    ].join("\n"),
  );
  writeFileSync(join(folder, "ldif"), ldif(home));
  const added = spawnSync("slapadd", ["-f", config, "-l", join(folder, "ldif")], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin` },
  });
  assert.equal(added.status, 0, added.stderr);
  const [port, securePort] = [await freePort(), await freePort()];
  const listeners = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${securePort}`;
  const daemon = await startDaemon(["slapd", "-d", "0", "-f", config, "-h", listeners], port);
  writeFileSync(join(home, "secret"), "s3arch\n", { mode: 0o600 });
  return { ...daemon, port, securePort, ca: certificate };
}

const settingsOf = (home: string, url: string, ca: string) =>
  `url ${url}\nca ${ca}\nbase ou=people,${base}\nbinddn cn=mail,${base}\nbindpasswordfile ${home}/secret\ntimeout 10\n`;

contract("checkpassword-ldap", { skip }, async () => {
  const home = makeHome();
  const slapd = await startDirectory(home);
  const settings = settingsOf(home, `ldap://127.0.0.1:${slapd.port}`, slapd.ca);
  writeFileSync(join(home, "control", "checkpassword-ldap"), settings);
  return { home, leave: () => slapd.stop(), stop: () => slapd.stop() };
});

describe("checkpassword-ldap, with other settings", { skip }, () => {
  let home: string;
  let slapd: Directory;
  before(async () => {
    home = makeHome();
    slapd = await startDirectory(home);
  });
  after(async () => {
    await slapd?.stop();
    removeHome(home);
  });

  async function ask(settings: string, user = "alice", password: string = people.alice) {
    writeFileSync(join(home, "control", "checkpassword-ldap"), settings);
    const backend = await openBackend("checkpassword-ldap", surroundingsOf(home));
    const secret = new Secret(Buffer.from(password));
    return backend.verify({ user, secret, client: "", timestamp: "" }, atOnce);
  }
  const usual = (change = "") => settingsOf(home, `ldap://127.0.0.1:${slapd.port}`, slapd.ca) + change;
  const unable = (settings: string, why: RegExp) =>
    assert.rejects(ask(settings), (error: Error) => {
      assert.ok(error instanceof Unable, String(error.stack));
      assert.match(error.message, why);
      return true;
    });

  test("ldaps works, and another filter", async () => {
    const secure = settingsOf(home, `ldaps://127.0.0.1:${slapd.securePort}`, slapd.ca);
    assert.equal((await ask(`${secure}filter (|(uid=%u)(cn=%u))\n`))?.uid, uid);
  });

  test("in clear nothing is said that the server would refuse, and a stranger's certificate ends it", async () => {
    await unable(usual("starttls no\n"), /confidentiality|0xd/i);
    await unable(usual().replace(/^ca .*\n/m, ""), /self-signed certificate/);
  });

  test("a filter that fits more than one is a mistake, and so is who may not search", async () => {
    await unable(usual("filter (|(uid=%u)(objectClass=posixAccount))\n"), /more than one entry/);
    writeFileSync(join(home, "wrong"), "wrong\n");
    await unable(usual().replace("/secret", "/wrong"), /0x31|credentials/i);
    await unable(usual().replace("/secret", "/nowhere"), /unable to read .*nowhere: file does not exist/);
  });

  test("settings that are wrong are told with their place", async () => {
    await unable(usual("filter (uid=x)\n"), /control\/checkpassword-ldap:7:8: filter wants %u in it/);
    await unable("url http://x\n", /checkpassword-ldap:1:5: url wants a URL such as/);
    await unable("base x\nurl ldap://x/dc=x\n", /checkpassword-ldap:2:5: url wants/);
  });

  test("a server that says nothing does not keep anybody for ever", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    const { port } = await new Promise<{ port: number }>((resolve) =>
      silent.on("listening", () => resolve(silent.address() as { port: number })),
    );
    const settings = settingsOf(home, `ldap://127.0.0.1:${port}`, slapd.ca).replace(
      "timeout 10",
      "timeout 1",
    );
    await unable(settings, /no answer within 1 seconds|timed? ?out/i);
    silent.close();
  });
});
