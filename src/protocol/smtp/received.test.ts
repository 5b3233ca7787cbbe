import assert from "node:assert/strict";
import { test } from "node:test";
import { receivedField, type Trace } from "./received.ts";

const trace: Trace = {
  remoteHost: "client.example.com",
  remoteIp: "192.0.2.7",
  remoteInfo: undefined,
  localHost: "mail.example.org",
  helo: "c.example.com",
  now: Date.UTC(2026, 10, 2, 3, 4, 5),
};
const end = "\n  by mail.example.org with SMTP; 2 Nov 2026 03:04:05 -0000\n";

for (const [changes, from] of [
  [{}, "client.example.com (HELO c.example.com) (192.0.2.7)"],
  [{ helo: undefined }, "client.example.com (192.0.2.7)"],
  [{ helo: "CLIENT.example.COM" }, "client.example.com (192.0.2.7)"],
  [{ helo: "" }, "client.example.com (HELO ) (192.0.2.7)"],
  [{ helo: '(ev\xedl) "x"\\ y' }, "client.example.com (HELO ?ev?l???x???y) (192.0.2.7)"],
  [{ helo: "x)\n250 ok" }, "client.example.com (HELO x??250?ok) (192.0.2.7)"],
  [{ helo: undefined, remoteInfo: "bob" }, "client.example.com (bob@192.0.2.7)"],
  [{ helo: undefined, remoteIp: "2001:db8::7" }, "client.example.com (2001:db8::7)"],
] as const) {
  test(`Received: from ${from}`, () => {
    assert.equal(receivedField({ ...trace, ...changes }), `Received: from ${from}${end}`);
  });
}
