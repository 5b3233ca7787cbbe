import assert from "node:assert/strict";
import { test } from "node:test";
import { proxyHeader } from "./proxy.ts";

const ends = (remoteIp: string, localIp: string) => ({ remoteIp, localIp, remotePort: 40000, localPort: 25 });
const two = (command: number, family: number, rest: string) => {
  const body = Buffer.from(rest, "hex");
  const head = Buffer.from([0x20 | command, family, body.length >> 8, body.length & 255]);
  return Buffer.concat([Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1"), head, body]);
};
const six = "20010db8000000000000000000000007";

const headers: Record<string, [Buffer, ReturnType<typeof ends> | undefined]> = {
  "version 1": [Buffer.from("PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\n"), ends("192.0.2.7", "192.0.2.1")],
  "version 1, IPv6": [Buffer.from("PROXY TCP6 2001:db8::7 ::1 40000 25\r\n"), ends("2001:db8::7", "::1")],
  "version 1, unknown": [Buffer.from("PROXY UNKNOWN whatever\r\n"), undefined],
  "version 2": [two(1, 0x11, "c0000207c00002019c400019"), ends("192.0.2.7", "192.0.2.1")],
  "version 2, IPv6 and more": [
    two(1, 0x21, `${six}${"0".repeat(31)}1${"9c400019"}${"040001ff"}`),
    ends("2001:db8::7", "::1"),
  ],
  "version 2, the proxy itself": [two(0, 0x11, "c0000207c00002019c400019"), undefined],
  "version 2, not TCP over IP": [two(1, 0x31, "00"), undefined],
};
for (const [name, [bytes, expected]] of Object.entries(headers)) {
  test(`${name}, in every cut`, () => {
    const whole = Buffer.concat([bytes, Buffer.from("EHLO x\r\n")]);
    assert.deepEqual(proxyHeader(whole), { octets: bytes.length, ends: expected });
    for (let at = 0; at < bytes.length; at++)
      assert.equal(proxyHeader(whole.subarray(0, at)), "more", `${at}`);
  });
}

for (const text of [
  "EHLO x\r\n",
  "PROXY TCP4 192.0.2.7 192.0.2.1 40000 99999\r\n",
  "PROXY TCP4 ::1 ::1 40000 25\r\n",
  "PROXY TCP5 192.0.2.7 192.0.2.1 40000 25\r\n",
  `PROXY TCP4 ${"1".repeat(200)}`,
  "\r\n\r\n\0\r\nQUIT\n\x11\x11\0\x0c",
]) {
  test(`${JSON.stringify(text.slice(0, 30))} is no header`, () => {
    assert.equal(proxyHeader(Buffer.from(text.padEnd(16), "latin1")), "none");
  });
}
