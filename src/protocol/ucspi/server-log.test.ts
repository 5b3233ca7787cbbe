import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ends } from "./environment.ts";
import { type LogLine, serverLog } from "./server-log.ts";

const ends: Ends = {
  family: "IPv4",
  localIp: "192.0.2.1",
  localPort: 25,
  localHost: "0",
  remoteIp: "192.0.2.7",
  remotePort: 40000,
};
const counts = { sessions: 2, limit: 40, here: 1, limitHere: 10 };
const at = (verbosity: number, ...lines: (readonly LogLine[])[]) =>
  lines
    .flat()
    .filter(([from]) => verbosity >= from)
    .map(([, text]) => text);

test("a connection under tcpserver", () => {
  const { accepted, allowed, ended } = serverLog("tcpserver");
  assert.deepEqual(at(2, accepted(7, ends, counts), allowed(7, ends), ended(7, 256, counts)), [
    "tcpserver: status: 2/40",
    "tcpserver: pid 7 from 192.0.2.7",
    "tcpserver: ok 7 0:192.0.2.1:25 :192.0.2.7::40000",
    "tcpserver: end 7 status 256",
  ]);
});

test("the same under s6-tcpserver, which counts the address", () => {
  const { starting, accepted, allowed, ended } = serverLog("s6-tcpserverd");
  const lines = [starting("0.0.0.0", 25), accepted(7, ends, counts), allowed(7, ends)];
  assert.deepEqual(at(2, ...lines, ended(7, 256, counts), ended(7, 15, counts)), [
    "s6-tcpserverd: info: starting - bound to ip 0.0.0.0 port 25",
    "s6-tcpserverd: info: accept 192.0.2.7_40000 pid 7 count 1/10",
    "s6-tcpserverd: info: status: 2/40",
    "s6-tcpserverd: info: end pid 7 exitcode 1 count 1/10",
    "s6-tcpserverd: info: end pid 7 signal 15 count 1/10",
  ]);
});

test("without -v only who is turned away is told, and with -q nobody", () => {
  const { accepted, turnedAway } = serverLog("s6-tcpserverd");
  const lines = [accepted(7, ends, counts), turnedAway(7, ends, counts)];
  assert.deepEqual(at(1, ...lines), ["s6-tcpserverd: info: reject 192.0.2.7_40000 count 1/10"]);
  assert.deepEqual(at(0, ...lines), []);
});
