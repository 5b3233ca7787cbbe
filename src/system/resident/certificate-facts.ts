/** SSL_SERVER_* and SSL_CLIENT_*: a certificate as ucspi-ssl describes it in the environment. Source: sslserver(1) */
import type { X509Certificate } from "node:crypto";

const named = new Set(["C", "ST", "L", "O", "OU", "CN", "T", "I", "G", "S", "D", "UID", "Email"]);

/** OpenSSL's long names for kinds of keys. */
const keys: ReadonlyMap<string, string> = new Map([
  ["rsa", "rsaEncryption"],
  ["rsa-pss", "rsassaPss"],
  ["ec", "id-ecPublicKey"],
  ["ed25519", "ED25519"],
  ["ed448", "ED448"],
]);

/** The facts in ucspi-ssl's order; `chain` is what was sent with the certificate, nearest first. */
export function certificateFacts(
  certificate: X509Certificate,
  chain: readonly X509Certificate[] = [],
  who: "SERVER" | "CLIENT" = "SERVER",
): readonly [string, string][] {
  const key = certificate.publicKey.asymmetricKeyType ?? "";
  const facts: [string, string][] = [
    ["M_VERSION", "3"],
    ["M_SERIAL", certificate.serialNumber],
    ...names("S_DN", certificate.subject),
    ...names("I_DN", certificate.issuer),
    ["A_SIG", certificate.signatureAlgorithm ?? ""],
    ["A_KEY", keys.get(key) ?? key],
    ["V_START", certificate.validFrom],
    ["V_END", certificate.validTo],
    ["CERT", certificate.toString()],
    ...chain.map((one, at): [string, string] => [`CERT_CHAIN_${at}`, one.toString()]),
  ];
  return facts.map(([name, value]) => [`SSL_${who}_${name}`, value]);
}

/** `C=XX\nCN=host` becomes `/C=XX/CN=host`, and each part. */
function names(prefix: string, lines: string): [string, string][] {
  const parts = lines.split("\n").filter((line) => line.includes("="));
  const facts: [string, string][] = [[prefix, parts.map((part) => `/${part}`).join("")]];
  for (const part of parts) {
    const at = part.indexOf("=");
    const name = part.slice(0, at).replace(/^emailAddress$/, "Email");
    if (named.has(name)) facts.push([`${prefix}_${name}`, part.slice(at + 1)]);
  }
  return facts;
}
