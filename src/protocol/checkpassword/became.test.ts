import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isWhole, parseBecame } from "./became.ts";

const status =
  "Name:\tsh\nUmask:\t0022\nUid:\t1000\t1000\t1000\t1000\nGid:\t1001\t1001\t1001\t1001\nGroups:\t4 1001 \n";
const bytes = (text: string) => Buffer.from(text, "latin1");
const told = (cwd: string, ...env: string[]) =>
  bytes(`${status}\0${cwd}\0${env.map((each) => `${each}\0`).join("")}\0`);

test("ids, groups, folder and environment are read as they are", () => {
  assert.deepEqual(parseBecame(told("/home/a\nb", "USER=alice", "X=", "Y=a=b\n", "odd", "=odd")), {
    uids: [1000, 1000, 1000, 1000],
    gids: [1001, 1001, 1001, 1001],
    groups: [4, 1001],
    cwd: "/home/a\nb",
    env: new Map([
      ["USER", "alice"],
      ["X", ""],
      ["Y", "a=b\n"],
    ]),
  });
  assert.equal(parseBecame(told("/"))?.env.size, 0);
  assert.deepEqual(parseBecame(bytes(told("/").toString().replace("4 1001 ", "")))?.groups, []);
});

for (const [why, text] of [
  ["nothing", ""],
  ["a folder that is none", told("").toString()],
  ["no ids", "Name:\tsh\n\0/\0\0"],
  ["ids that are none", told("/").toString().replace("1000", "x")],
  ["too few ids", told("/").toString().replace("\t1000", "")],
] as const) {
  test(`${why}: not told`, () => assert.equal(parseBecame(bytes(text)), undefined));
}

test("what was cut short is not whole, wherever the cut is", () => {
  const whole = told("/home/alice", "USER=alice", "HOME=/home/alice");
  for (let at = 0; at < whole.length; at++) assert.equal(isWhole(whole.subarray(0, at)), false, `${at}`);
  assert.equal(isWhole(whole), true);
});

test("any octets are told or not told, without an error", () => {
  const pieces = fc.constantFrom(status, "\0", "/", "A=b", "Uid:\t1\n", "\u00ff", "=");
  fc.assert(fc.property(fc.array(pieces), (parts) => void parseBecame(bytes(parts.join("")))));
});
