/** DATABYTES in the environment, else control/databytes: how large a message may be. qmail-smtpd(8) */
import { type Reader, readInteger } from "./control.ts";

/** Octets; 0: no limit. Throws CannotOpen. */
export const readDataBytes = (reader: Reader): Promise<number> => readInteger(reader, "databytes", 0);

/** What DATABYTES says, which wins: octets; 0: no limit, as where it is no number. Undefined: it is not set. */
export function dataBytesIn(env: ReadonlyMap<string, string>): number | undefined {
  const text = env.get("DATABYTES");
  return text === undefined ? undefined : Number(/^[0-9]{1,15}/.exec(text)?.[0] ?? 0);
}
