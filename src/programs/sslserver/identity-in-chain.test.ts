import assert from "node:assert/strict";
import { test } from "node:test";
import { identityInChain } from "./identity-in-chain.ts";

const as = (effective: number) => ({
  home: () => "/nonexistent",
  uids: () => ({ real: effective, effective, saved: effective }),
});
const chain = (line: string, uid = 0) => identityInChain(line.split(" "), as(uid));

test("a word that becomes somebody goes, and the worker is that user", () => {
  assert.deepEqual(chain("s6-ucspitlsd -- s6-setuidgid 7791:2108 fixsmtpio qmail-smtpd"), {
    uid: 7791,
    gid: 2108,
    argv: ["s6-ucspitlsd", "--", "fixsmtpio", "qmail-smtpd"],
  });
  assert.deepEqual(chain("setuidgid nobody fixsmtpio")?.argv, ["fixsmtpio"]);
});

test("without root only who we are already", () => {
  assert.deepEqual(chain("s6-setuidgid 1000:1000 fixsmtpio", 1000)?.argv, ["fixsmtpio"]);
});

for (const [why, line, uid] of [
  ["without root it cannot be done", "s6-setuidgid nobody fixsmtpio", 1000],
  ["root is nobody to become", "s6-setuidgid root fixsmtpio", 0],
  ["an account that there is not", "s6-setuidgid no-such-account-here fixsmtpio", 0],
  ["after a program of somebody else's", "env A=b s6-setuidgid nobody fixsmtpio", 0],
  ["after checkpassword", "authup smtp checkpassword s6-setuidgid nobody ofmipd", 0],
  ["nobody is named", "fixsmtpio qmail-smtpd", 0],
] as const) {
  test(`${why}: the words stay`, () => assert.equal(chain(line, uid), undefined));
}
