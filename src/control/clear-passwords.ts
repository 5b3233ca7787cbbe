/**
 * users/clear: passwords as they are, `name:password` on each line, for CRAM-MD5 and APOP, which cannot do with less.
 * Whoever reads the file can log in as everybody in it: mode 600, and only of users who need it.
 */
import { resolve } from "node:path";
import { Secret } from "../protocol/checkpassword/secret.ts";
import type { UsersReader } from "./users.ts";

/** From our home folder on. */
export const clearFile = "users/clear";

const lf = 0x0a;

/** The password of `name` (latin1), in memory of its own; undefined when none is stored. Throws CannotOpen. */
export async function clearPasswordOf(reader: UsersReader, name: string): Promise<Secret | undefined> {
  const bytes = await reader.readFile(resolve(reader.home(), clearFile));
  if (bytes === undefined) return undefined;
  const place = placeOf(bytes, name);
  return place && Secret.copyOf(bytes.subarray(place.from + name.length + 1, place.to));
}

/** The file's bytes with this password for `name`, or without one. All other lines stay as they are. */
export function withClearPassword(given: Uint8Array, name: string, secret: Secret | undefined): Uint8Array {
  const ended = given.length === 0 || given.at(-1) === lf;
  const bytes = ended ? given : Buffer.concat([given, Buffer.of(lf)]);
  const place = placeOf(bytes, name);
  const before = bytes.subarray(0, place?.from ?? bytes.length);
  const after = place === undefined ? new Uint8Array(0) : bytes.subarray(place.to + 1);
  if (secret === undefined) return Buffer.concat([before, after]);
  return Buffer.concat([before, Buffer.from(`${name}:`, "latin1"), secret.reveal(), Buffer.of(lf), after]);
}

/** Where the line of `name` begins and ends, without its LF. */
function placeOf(bytes: Uint8Array, name: string): { from: number; to: number } | undefined {
  const start = Buffer.from(`${name}:`, "latin1");
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(lf, from);
    const to = end < 0 ? bytes.length : end;
    if (start.equals(bytes.subarray(from, Math.min(to, from + start.length)))) return { from, to };
    from = to + 1;
  }
  return undefined;
}
