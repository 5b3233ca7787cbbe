/**
 * users/clear: passwords as they are, `name:password` on each line, for CRAM-MD5 and APOP, which cannot do with less.
 * Whoever reads the file can log in as everybody in it: mode 600, and only of users who need it.
 */
import { resolve } from "node:path";
import { Secret } from "../protocol/checkpassword/secret.ts";
import { latin1 } from "../protocol/wipeable.ts";
import type { UsersReader } from "./users.ts";

/** From our home folder on. */
export const clearFile = "users/clear";

const lf = 0x0a;
const colon = 0x3a;

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

interface Place {
  readonly from: number;
  readonly to: number;
}

/** An unchanged file is the same object, and is looked through once: time must not tell who is in it, and where. */
const places = new WeakMap<Uint8Array, ReadonlyMap<string, Place>>();

/** Where the line of `name` begins and ends, without its LF. */
function placeOf(bytes: Uint8Array, name: string): Place | undefined {
  let found = places.get(bytes);
  if (found === undefined) {
    found = placesIn(bytes);
    places.set(bytes, found);
  }
  return found.get(name);
}

/** The first line of a name counts. */
function placesIn(bytes: Uint8Array): ReadonlyMap<string, Place> {
  const found = new Map<string, Place>();
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(lf, from);
    const to = end < 0 ? bytes.length : end;
    const colonAt = bytes.indexOf(colon, from);
    if (colonAt >= 0 && colonAt < to) {
      const name = latin1(bytes, from, colonAt);
      if (!found.has(name)) found.set(name, { from, to });
    }
    from = to + 1;
  }
  return found;
}
