/** The second field of users/passwd: what is stored of a password, for each way to ask for it, with `;` in between. */
import type { ScramVerifier } from "../protocol/sasl/scram.ts";

/** No entry may make a client work for minutes, or let somebody guess for nothing. RFC 7677 §4 */
const iterationsLeast = 4096;
const iterationsMost = 10_000_000;

/** The parts of the field, in no certain order. */
export const partsOf = (field: string): readonly string[] => field.split(";");

/** The SCRAM verifier of a field; undefined when it has none. */
export function parseVerifier(field: string): ScramVerifier | undefined {
  for (const part of partsOf(field)) {
    const parts =
      /^\$scram-sha-256\$i=(\d{1,8})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})\$([A-Za-z0-9+/]{43})$/.exec(
        part,
      );
    if (parts === null) continue;
    const iterations = Number(parts[1]);
    if (iterations < iterationsLeast || iterations > iterationsMost) continue;
    const [salt, storedKey, serverKey] = parts.slice(2).map((base64) => Buffer.from(base64, "base64"));
    if (salt && storedKey && serverKey) return { iterations, salt, storedKey, serverKey };
  }
  return undefined;
}

export function formatVerifier({ iterations, salt, storedKey, serverKey }: ScramVerifier): string {
  return `$scram-sha-256$i=${iterations}$${unpadded(salt)}$${unpadded(storedKey)}$${unpadded(serverKey)}`;
}

/** Base64 as PHC strings have it. */
export const unpadded = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
