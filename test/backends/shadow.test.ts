/** Accounts of the system, as this test alone sees them: /etc/passwd and /etc/shadow are files of its own. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { perform, unmatchable } from "../../src/system/c-library/deeds.ts";
import { crypt } from "../../src/system/c-library/libcrypt.ts";
import { root } from "../runner/case.ts";
import { contract, gid, people, uid } from "./contract.ts";
import { cryptHash, noMkpasswd, schemes } from "./mkpasswd.ts";
import { enterNamespace } from "./namespace.ts";
import { replaceAccounts } from "./system-accounts.ts";

const program = join(root, "build", "bin", "checkpassword-shadow");
const skip = noMkpasswd || enterNamespace();

contract("checkpassword-shadow", { skip }, async () => {
  return { home: replaceAccounts(), stop: () => {} };
});

test("checkpassword-shadow: who is not root cannot know, and says so", { skip }, () => {
  const { status, stdout, stderr } = spawnSync(
    "/bin/sh",
    ["-c", `printf 'alice\\0x\\0\\0' | ${program} id 3<&0`],
    {
      encoding: "utf8",
      uid: 65_534,
      gid: 65_534,
      env: { PATH: "/usr/bin:/bin" },
    },
  );
  assert.deepEqual({ status, stdout }, { status: 111, stdout: "" });
  assert.equal(stderr, "checkpassword-shadow: unable to look up in shadow: access denied\n");
});

test("accounts: an expired one is locked; all others cost what most do", { skip }, () => {
  const days = Math.floor(Date.now() / 86_400_000);
  for (const [name, expires] of Object.entries({ past: days - 1, future: days + 2 })) {
    appendFileSync("/etc/passwd", `${name}:x:${uid}:${gid}::/:\n`);
    appendFileSync("/etc/shadow", `${name}:${cryptHash(people.alice)}:19000:0:99999:7::${expires}:\n`);
  }
  assert.equal(perform({ do: "lookUp", user: "future" }).account?.uid, uid);
  for (const user of ["past", "locked", "wheel", "root", "nobody-of-that-name", "", "a:b", "alice\n"]) {
    const { account, hash = "" } = perform({ do: "lookUp", user });
    assert.equal(account, undefined, user);
    assert.match(hash, /^\$y\$j9T\$/, user);
    assert.equal(perform({ do: "crypt", hash }, Buffer.from(people.alice)).right, false);
  }
});

for (const scheme of schemes) {
  test(`crypt(3), ${scheme}: right, wrong, and a dummy of the same price`, { skip: noMkpasswd }, () => {
    const octets = Buffer.from(scheme === "descrypt" ? "p:\u00e4 %s*" : people.bob);
    // The oldest schemes look at seven bits of eight octets; the NT hash wants text.
    const password = scheme === "descrypt" || scheme === "nt" ? Buffer.from("p: %s*") : octets;
    const hash = cryptHash(password, scheme);
    assert.equal(perform({ do: "crypt", hash }, password).right, true);
    assert.equal(perform({ do: "crypt", hash }, password.subarray(1)).right, false);
    assert.equal(perform({ do: "crypt", hash }, new Uint8Array()).right, false);
    assert.notEqual(crypt(password, unmatchable(hash)), undefined);
    assert.equal(perform({ do: "crypt", hash: unmatchable(hash) }, password).right, false);
  });
}

test("crypt(3): what is no hash matches nothing", { skip: noMkpasswd }, () => {
  for (const hash of ["", "*", "!", "x", "*0", "*1", "$9$unknown$x", "$6$", "$y$j9T$", "\u00ff\u00ff"]) {
    for (const password of ["", "x", "*0", hash]) {
      const { right = false } = perform({ do: "crypt", hash }, Buffer.from(password, "latin1"));
      assert.equal(right, false, `${hash} ${password}`);
    }
  }
});

test("crypt(3): the vector of the specification of SHA-512 in crypt", { skip: noMkpasswd }, () => {
  const hash =
    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
  assert.equal(perform({ do: "crypt", hash }, Buffer.from("Hello world!")).right, true);
});
