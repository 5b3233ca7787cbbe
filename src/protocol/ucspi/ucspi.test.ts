import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionEnvironment, type Ends, plainAddress, withoutConnection } from "./environment.ts";
import { endLine, okLine, pidLine } from "./log-line.ts";

const four: Ends = {
  family: "IPv4",
  localIp: "192.0.2.1",
  localPort: 25,
  localHost: "0",
  remoteIp: "192.0.2.7",
  remotePort: 40000,
};

const sslserver = { tcp: true, ssl: true };

test("under tcpserver there are no SSL names", () => {
  const env = connectionEnvironment({ ...four, remoteInfo: "joe" }, { tcp: true, ssl: false });
  assert.equal(env.get("PROTO"), "TCP");
  assert.equal(env.get("TCPREMOTEINFO"), "joe");
  assert.deepEqual(
    [...env.keys()].filter((name) => name.startsWith("SSL")),
    [],
  );
});

test("a connection over IPv4 with -e has TCP and SSL names, and nothing stale", () => {
  const stale = ["TCPREMOTEHOST", "TCPREMOTEINFO", "TCP6REMOTEIP", "SSLREMOTEHOST", "TCP6INTERFACE"];
  const before = withoutConnection(stale.map((name) => [name, "another's"] as const));
  const env = new Map([...before, ...connectionEnvironment(four, sslserver)]);
  assert.equal(env.get("PROTO"), "TCP");
  assert.equal(env.get("TCPREMOTEIP"), "192.0.2.7");
  assert.equal(env.get("SSLREMOTEIP"), "192.0.2.7");
  assert.equal(env.get("TCPLOCALHOST"), "0");
  for (const name of stale) assert.ok(!env.has(name), `${name} is another's`);
});

test("without -e there are no TCP names", () => {
  const env = connectionEnvironment(four, { tcp: false, ssl: true });
  assert.equal(env.get("PROTO"), "SSL");
  assert.equal(env.get("TCPREMOTEIP"), undefined);
});

test("a connection over IPv6 has TCP6 names too", () => {
  const env = connectionEnvironment({ ...four, family: "IPv6", remoteIp: "2001:db8::7" }, sslserver);
  assert.equal(env.get("PROTO"), "TCP6");
  assert.equal(env.get("TCP6REMOTEIP"), "2001:db8::7");
});

for (const [address, expected] of [
  ["::ffff:192.0.2.7", { ip: "192.0.2.7", family: "IPv4" }],
  ["192.0.2.7", { ip: "192.0.2.7", family: "IPv4" }],
  ["2001:db8::7", { ip: "2001:db8::7", family: "IPv6" }],
] as const) {
  test(`${address} is ${expected.ip}`, () =>
    assert.deepEqual(plainAddress(address), { ...expected, scope: undefined }));
}

test("log lines are as tools know them, whatever a name holds", () => {
  assert.equal(pidLine("sslserver", 7, four), "sslserver: pid 7 from 192.0.2.7");
  assert.equal(okLine("sslserver", 7, four), "sslserver: ok 7 0:192.0.2.1:25 :192.0.2.7::40000");
  const evil = okLine("sslserver", 7, { ...four, remoteHost: `a\n%${"b".repeat(200)}` });
  assert.match(evil, / a\?\?b{97}\.\.\.:/);
  assert.equal(endLine("sslserver", 7, 1280), "sslserver: end 7 status 1280");
});

test("an address of a link alone is told without its interface, which has a variable of its own", () => {
  const { ip, family, scope } = plainAddress("fe80::1%eth0");
  assert.deepEqual([ip, family, scope], ["fe80::1", "IPv6", "eth0"]);
  const ends = { ...four, family, remoteIp: ip, localIp: "fe80::2", scope };
  assert.equal(connectionEnvironment(ends, sslserver).get("TCP6INTERFACE"), "eth0");
  assert.equal(connectionEnvironment(four, sslserver).get("TCP6INTERFACE"), undefined);
});

test("what another server said of another connection is forgotten, settings are not", () => {
  const stale = [
    "PROTO",
    "TCPREMOTEIP",
    "SSLREMOTEHOST",
    "TCP6LOCALPORT",
    "SSLCTLFD",
    "SSL_CIPHER",
    "SSL_SERVER_CERT",
  ];
  const settings = ["PATH", "SSL_UID", "SSL_GID", "SSL_CHROOT", "TCPREMOTE", "UCSPITLS", "CERTFILE"];
  const env = withoutConnection([...stale, ...settings].map((name) => [name, "x"]));
  assert.deepEqual([...env.keys()], settings);
});
