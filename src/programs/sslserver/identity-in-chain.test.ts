import assert from "node:assert/strict";
import { test } from "node:test";
import { identityInChain } from "./identity-in-chain.ts";

const as = (effective: number) => ({
  env: new Map([
    ["UID", "7791"],
    ["GID", "2108"],
    ["GIDLIST", "12,13"],
  ]),
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

test("s6-applyuidgid is told by its words, or by variables", () => {
  const numbers = { uid: 7791, gid: 2108, argv: ["fixsmtpio", "-b", "ofmipd"] };
  assert.deepEqual(chain("s6-applyuidgid -u 7791 -g2108 fixsmtpio -b ofmipd"), {
    ...numbers,
    groups: [],
    unset: [],
  });
  assert.deepEqual(chain("s6-applyuidgid -zU fixsmtpio -b ofmipd"), {
    ...numbers,
    groups: [12, 13],
    unset: ["UID", "GID", "GIDLIST"],
  });
  assert.deepEqual(chain("s6-applyuidgid -U -G 5 -- fixsmtpio")?.groups, [5]);
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
  ["no user is said", "s6-applyuidgid -g 7 fixsmtpio", 0],
  ["root is nobody to become, nor its group", "s6-applyuidgid -u 7 -g 0 fixsmtpio", 0],
  ["a word that s6-applyuidgid does not know", "s6-applyuidgid -x 7 fixsmtpio", 0],
  ["nobody is named", "fixsmtpio qmail-smtpd", 0],
] as const) {
  test(`${why}: the words stay`, () => assert.equal(chain(line, uid), undefined));
}
