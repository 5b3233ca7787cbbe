import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { selfSigned } from "./certificate.ts";

const certificateIn = (text: string) => text.slice(text.indexOf("-----BEGIN CERT"));
const names = ["mail.example.org", "localhost", "127.0.0.1", "::1", "2001:db8::a:1", "1:2:3:4:5:6:7:8"];
const now = new Date("2026-11-22T13:36:30.123Z");
const pem = selfSigned({ names, now });
const certificate = new X509Certificate(certificateIn(pem));

test("the certificate is for the names asked for, and no other", () => {
  for (const name of ["mail.example.org", "localhost"]) assert.equal(certificate.checkHost(name), name);
  for (const ip of ["127.0.0.1", "::1", "2001:db8::a:1", "1:2:3:4:5:6:7:8"])
    assert.equal(certificate.checkIP(ip), ip);
  assert.equal(certificate.checkHost("example.org"), undefined);
  assert.equal(certificate.checkIP("127.0.0.2"), undefined);
});

test("it is signed by its own key, which comes before it", () => {
  assert.ok(certificate.checkPrivateKey(createPrivateKey(pem)));
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(certificate.issuer, certificate.subject);
  assert.equal(certificate.subject, "CN=mail.example.org");
  assert.equal(certificate.ca, false);
  assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
});

test("it is good from the day before on, for 825 days", () => {
  assert.equal(certificate.validFrom, "Nov 21 13:36:30 2026 GMT");
  assert.equal(certificate.validTo, "Feb 24 13:36:30 2029 GMT");
});

test("no two have the same number or key", () => {
  const other = new X509Certificate(certificateIn(selfSigned({ names, now })));
  assert.notEqual(other.serialNumber, certificate.serialNumber);
  assert.match(certificate.serialNumber, /^[4-7][0-9A-F]{31}$/);
});

test("openssl takes it for a server that trusts it", (t) => {
  if (spawnSync("openssl", ["version"]).error) return t.skip("openssl is not installed");
  const folder = mkdtempSync(join(tmpdir(), "certificate-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "cert.pem");
  writeFileSync(path, selfSigned({ names, now: new Date() }));
  const { stdout, stderr, status } = spawnSync(
    "openssl",
    [
      "verify",
      "-x509_strict",
      "-purpose",
      "sslserver",
      "-CAfile",
      path,
      "-verify_hostname",
      "localhost",
      path,
    ],
    { encoding: "latin1" },
  );
  assert.equal(status, 0, stdout + stderr);
});
