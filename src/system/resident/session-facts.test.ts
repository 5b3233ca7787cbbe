import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { blockOf } from "../../protocol/ucspi-tls/block.ts";
import { selfSigned } from "../home/certificate.ts";
import { certificateFacts } from "./certificate-facts.ts";
import { channelBinding, keyBits, SessionTeller, sessionFacts, sessionId } from "./session-facts.ts";

const pem = selfSigned({ names: ["mx.example"], now: new Date() });

const inOrder = [
  ...[
    "M_VERSION",
    "M_SERIAL",
    "S_DN",
    "S_DN_CN",
    "I_DN",
    "I_DN_CN",
    "A_SIG",
    "A_KEY",
    "V_START",
    "V_END",
    "CERT",
  ],
].map((name) => `SSL_SERVER_${name}`);

test("a certificate's facts stand in the order of ucspi-ssl", () => {
  const facts = certificateFacts(new X509Certificate(pem));
  assert.deepEqual(
    facts.map(([name]) => name),
    inOrder,
  );
  const values = new Map(facts);
  assert.equal(values.get("SSL_SERVER_S_DN"), "/CN=mx.example");
  assert.equal(values.get("SSL_SERVER_A_SIG"), "ecdsa-with-SHA256");
  assert.equal(values.get("SSL_SERVER_A_KEY"), "id-ecPublicKey");
});

for (const [cipher, bits] of [
  ["TLS_AES_128_GCM_SHA256", "128"],
  ["TLS_AES_256_GCM_SHA384", "256"],
  ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "128"],
  ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "256"],
] as const) {
  test(`${cipher} has ${bits} bits`, () => assert.equal(keyBits(cipher), bits));
}

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  test(`what a program learns of a session over ${version}`, async () => {
    const server = createServer({ cert: pem, key: pem }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = connect({
      port,
      servername: "mx.example",
      maxVersion: version,
      rejectUnauthorized: false,
    });
    const [[tls]] = (await Promise.all([
      once(server, "secureConnection"),
      once(client, "secureConnect"),
    ])) as [[TLSSocket], unknown];
    const ours = certificateFacts(new X509Certificate(pem));
    const facts = sessionFacts(tls, ours);
    const { common, own } = new SessionTeller(ours).blockFor(tls);
    assert.ok(Buffer.concat([common, own]).equals(blockOf(facts)));
    assert.deepEqual(
      [...facts.keys()],
      [
        ...["PROTOCOL", "SESSION_ID", "CIPHER", "CIPHER_EXPORT", "CIPHER_USEKEYSIZE", "CIPHER_ALGKEYSIZE"],
        ...["VERSION_INTERFACE", "VERSION_LIBRARY"],
      ]
        .map((name) => `SSL_${name}`)
        .concat(inOrder, "SSL_TLS_SNI_SERVERNAME", "SSL_TLS_EXPORTER"),
    );
    assert.equal(facts.get("SSL_PROTOCOL"), version);
    assert.match(facts.get("SSL_SESSION_ID") ?? "", version === "TLSv1.3" ? /^$/ : /^([0-9a-f]{64})?$/);
    // The client comes to the same binding.
    assert.match(facts.get("SSL_TLS_EXPORTER") ?? "", /^[0-9a-f]{64}$/);
    assert.equal(facts.get("SSL_TLS_EXPORTER"), channelBinding(client));
    client.destroy();
    tls.destroy();
    server.close();
  });
}

test("a session's number is found in its serialization, which is wiped", () => {
  const session = Buffer.from("300d020101020203030402c02c0402beef", "hex");
  assert.equal(sessionId(session), "beef");
  assert.ok(session.every((octet) => octet === 0));
  assert.equal(sessionId(undefined), "");
});
