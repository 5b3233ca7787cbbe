import { X509Certificate } from "node:crypto";
import { bindingVariable, type Channel } from "../../protocol/sasl/mechanisms.ts";

/**
 * What the environment says of the TLS we are in. Removes what no other program should see. A certificate is there only
 * when the server has verified it: sslserver(1), -i and -z.
 */
export function takeChannel(env: Map<string, string>): Channel {
  // RFC 9266 §3: in TLS 1.2 it is safe only with the extended master secret, and nobody says whether there was one.
  const binding = (env.get("SSL_PROTOCOL") === "TLSv1.3" && env.get(bindingVariable)) || "";
  env.delete(bindingVariable);
  return {
    binding: /^(?:[0-9a-f]{2}){16,64}$/.test(binding) ? binding : "",
    certificate: namesOf(env.get("SSL_CLIENT_CERT")),
  };
}

/** What control/certificateusers may call a certificate. latin1, without control characters. */
function namesOf(pem: string | undefined): readonly string[] {
  if (pem === undefined || pem === "") return [];
  try {
    const certificate = new X509Certificate(pem);
    const names = [
      `sha256:${certificate.fingerprint256.replaceAll(":", "").toLowerCase()}`,
      // One part on each line; a comma within one has a backslash in front.
      `subject:${certificate.subject.split("\n").join(",")}`,
      ...emailsOf(certificate.subjectAltName ?? ""),
    ];
    return names
      .map((name) => Buffer.from(name, "utf8").toString("latin1"))
      .filter((name) => name.length < 1000 && !/[\x00-\x1f\x7f]/.test(name));
  } catch {
    return [];
  }
}

/** Of `email:a@b, DNS:c, …`. A name with anything unusual in it is quoted there, and stands for nobody here. */
function emailsOf(names: string): string[] {
  return names.split(", ").filter((name) => /^email:[^",\\ ]+$/.test(name));
}
