import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { verify } from "../../control/users.ts";
import { Secret } from "../../protocol/checkpassword/secret.ts";
import { parseAccounts } from "./accounts.ts";
import { readEnvironment, readHome } from "./facts.ts";
import { thisInstallation } from "./installation.ts";
import { CannotMake, isHome, makeHome } from "./make.ts";

const folder = mkdtempSync(join(tmpdir(), "home-"));
after(() => rmSync(folder, { recursive: true }));
const home = join(folder, "made");
const installation = await thisInstallation();
const wanted = { home, host: "mail.example.org", bind: "127.0.0.1", portBase: 2000, installation };
const made = await makeHome(wanted);
const read = (path: string) => readFileSync(join(home, path), "latin1");
const modeOf = (path: string) => statSync(join(home, path)).mode & 0o777;

test("alice and bob can log in with the passwords they were given", async () => {
  assert.deepEqual(
    made.users.map(({ name }) => name),
    ["alice", "bob"],
  );
  const reader = { home: () => home, readFile: async (path: string) => readFileSync(path) };
  for (const { name, password } of made.users) {
    const self = process.getuid!() === 0 ? statSync(join(home, "mail", name)).uid : process.getuid!();
    const account = await verify(reader, name, new Secret(Buffer.from(password)));
    assert.equal(account?.uid, self);
    assert.equal(account?.home, join(home, "mail", name));
    assert.ok(existsSync(join(account?.home ?? "", "Maildir", "tmp")));
  }
});

test("passwords are in no file", () => {
  for (const entry of readdirSync(home, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), "latin1");
    for (const { password } of made.users) assert.ok(!text.includes(password), entry.name);
  }
});

test("keys, hashes and mail are for their owners alone", () => {
  assert.equal(modeOf("users/passwd"), 0o600);
  assert.equal(modeOf("control/servercert.pem"), 0o600);
  assert.equal(modeOf("mail/alice"), 0o700);
  assert.equal(modeOf("control/rcpthosts"), 0o644);
  assert.equal(modeOf("service/smtp/run"), 0o755);
});

test("the certificate is for this host", () => {
  const pem = read("control/servercert.pem");
  const certificate = new X509Certificate(pem.slice(pem.indexOf("-----BEGIN CERT")));
  assert.equal(certificate.checkHost("mail.example.org"), "mail.example.org");
  assert.equal(certificate.checkIP("127.0.0.1"), "127.0.0.1");
});

test("authup is told what ofmipd offers", () => {
  assert.equal(read("control/smtpcapabilities"), "PIPELINING\nSIZE 52428800\n8BITMIME\n");
});

test("the filters are in the environment, so that the run scripts stay as published", () => {
  const smtp = readEnvironment(join(home, "service", "smtp", "env"));
  assert.equal(smtp.get("QMAILQUEUE"), "bin/qmail-qfilter-queue");
  assert.equal(smtp.get("QMAILQUEUEFILTERS"), "control/smtpfilters");
  const facts = readHome(home, installation, "/usr/bin", home);
  assert.deepEqual(
    facts.services.map(({ name, listener }) => [name, listener?.port, listener?.tls]),
    [
      ["queue", undefined, undefined],
      ["smtp", 2525, "starttls"],
      ["submission", 2587, "starttls"],
      ["submissions", 2465, "implicit"],
      ["pop3", 2110, "starttls"],
      ["pop3s", 2995, "implicit"],
    ],
  );
  assert.equal(facts.services[2]?.env.get("QMAILQUEUEFILTERS"), "control/ofmipfilters");
  assert.equal(facts.services[2]?.env.get("PATH"), `${home}/bin:/usr/bin`);
});

test("id knows the accounts of the home, and asks the machine for the rest", () => {
  const id = (...words: string[]) => {
    const { stdout, status } = spawnSync("id", words, {
      env: { PATH: `${join(home, "bin")}:${process.env["PATH"]}` },
      encoding: "latin1",
    });
    return status === 0 ? stdout.trim() : "unknown";
  };
  for (const [name, { uid, gid }] of parseAccounts(read("users/accounts"))) {
    assert.deepEqual([id("-u", name), id("-g", name)], [String(uid), String(gid)]);
  }
  assert.equal(id("-u", "root"), "0");
  assert.equal(id("-u"), String(process.getuid!()));
  assert.equal(id("-u", "nobody-of-that-name"), "unknown");
});

test("making it again changes nothing, and nothing that was changed", async () => {
  writeFileSync(join(home, "control", "me"), "other.example.org\n");
  rmSync(join(home, "control", "databytes"));
  const before = read("users/passwd");
  const again = await makeHome({ ...wanted, host: "third.example.org", portBase: 4000 });
  assert.deepEqual(again, { made: true, users: [] });
  assert.equal(read("control/me"), "other.example.org\n");
  assert.equal(read("control/databytes"), "52428800\n");
  assert.equal(read("users/passwd"), before);
  assert.match(read("service/smtp/run"), /127\.0\.0\.1 2525/);
  assert.deepEqual(await makeHome(wanted), { made: false, users: [] });
});

test("launchers follow the software when it moves", async () => {
  await makeHome({ ...wanted, installation: { node: "/elsewhere/node", bundle: "/elsewhere/app.cjs" } });
  assert.match(read("bin/checknotroot"), /\/elsewhere\/node/);
});

test("somebody else's folder is left alone", async () => {
  const other = join(folder, "other");
  mkdirSync(join(other, "alias"), { recursive: true });
  await assert.rejects(makeHome({ ...wanted, home: other }), CannotMake);
  assert.deepEqual(readdirSync(other), ["alias"]);
  assert.equal(isHome(other), false);
});
