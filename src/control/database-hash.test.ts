import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../protocol/checkpassword/secret.ts";
import { comparisonOf } from "./database-hash.ts";

const secret = (text: string) => new Secret(Buffer.from(text));
const noCrypt = () => assert.fail("crypt(3) was asked");

// "password", at the price of a test.
const argon2id = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
// "pencil", with the salt of RFC 7677 §3: the example's own keys.
const scram =
  "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

for (const [stored, password] of [
  [argon2id, "password"],
  [`{ARGON2ID}${argon2id}`, "password"],
  [scram, "pencil"],
  [`{SCRAM-SHA-256}${scram}`, "pencil"],
] as const) {
  test(`${stored.slice(0, 30)} is compared here`, async () => {
    const compare = comparisonOf(stored);
    assert.equal(await compare?.(secret(password), noCrypt), true);
    assert.equal(await compare?.(secret(`${password}x`), noCrypt), false);
    assert.equal(await compare?.(secret(""), noCrypt), false);
  });
}

for (const hash of [
  "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl",
  "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$tnSYvahCwPBHKZUspmcxMfb0.WiB9W.zEaKlOBL35rC",
  "$2b$05$ejrrI5Y8ubVV4OKHEZ4nx.i76KPizNNPRWZb884ymMfje1gpJhJC2",
  "_J9..55UuxPiwcJSQizY",
  "3CU3PEt78/1m.",
]) {
  test(`${hash.slice(0, 12)} is the machine's to compare, with or without a scheme in front`, async () => {
    for (const stored of [hash, `{CRYPT}${hash}`, `{BLF-CRYPT}${hash}`]) {
      const asked: string[] = [];
      const crypt = async (which: string) => asked.push(which) === 1;
      assert.equal(await comparisonOf(stored)?.(secret("x"), crypt), true);
      assert.deepEqual(asked, [hash]);
    }
  });
}

for (const stored of [
  "",
  "*",
  "!",
  "!!",
  "x",
  "secret",
  "{PLAIN}secret",
  "!$6$salt$abcdefghijk",
  "$6$a:b$cdefghijklm",
  "$6$\u00ff$abcdefghijklm",
  scram.replace("4096", "0"),
  scram.replace("4096", "99999999"),
]) {
  test(`${JSON.stringify(stored.slice(0, 30))} is no password: nobody logs in with it`, () =>
    assert.equal(comparisonOf(stored), undefined));
}
