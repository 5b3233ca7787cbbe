import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../protocol/checkpassword/secret.ts";
import { currentCost, formatHash, hashPassword, matches, parseHash, unmatchable } from "./password-hash.ts";

const secret = (text: string) => new Secret(Buffer.from(text));

test("a password matches the hash that was made of it, and no other does", async () => {
  const text = await hashPassword(secret("correct horse"));
  assert.match(text, /^\$argon2id\$v=19\$m=32768,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  const hash = parseHash(text);
  assert.ok(hash !== undefined);
  assert.equal(formatHash(hash), text);
  assert.equal(await matches(hash, secret("correct horse")), true);
  assert.equal(await matches(hash, secret("correct horse ")), false);
  assert.equal(await matches(hash, secret("")), false);
});

test("a hash made by another program is understood", async () => {
  // The argon2 command's own test vector: version 19, 256 KiB, two passes, "password" and "somesalt".
  const hash = parseHash(
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
  );
  assert.ok(hash !== undefined);
  assert.equal(await matches(hash, secret("password")), true);
});

test("the hash for unknown users costs what a real one costs and matches nothing", async () => {
  const hash = unmatchable({ ...currentCost, memoryKibibytes: 64 });
  assert.equal(await matches(hash, secret("")), false);
  assert.equal(parseHash(formatHash(hash))?.memoryKibibytes, 64);
});

test("what is no argon2id hash, or would cost too much, is none", () => {
  const rest = "$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
  for (const text of [
    "",
    "*",
    "x",
    "$6$salt$hash",
    `$argon2i$v=19$m=256,t=2,p=1${rest}`,
    `$argon2id$v=16$m=256,t=2,p=1${rest}`,
    `$argon2id$v=19$m=0,t=2,p=1${rest}`,
    `$argon2id$v=19$m=256,t=0,p=1${rest}`,
    `$argon2id$v=19$m=256,t=2,p=0${rest}`,
    `$argon2id$v=19$m=256,t=2,p=64${rest}`,
    `$argon2id$v=19$m=999999999,t=2,p=1${rest}`,
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AA",
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
  ]) {
    assert.equal(parseHash(text), undefined, text);
  }
});
