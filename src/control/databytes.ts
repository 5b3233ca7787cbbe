/** DATABYTES in the environment, else control/databytes: how large a message may be. qmail-smtpd(8) */
import type { System } from "../system/system.ts";
import { readInteger } from "./control.ts";

/** Octets; 0: no limit. A DATABYTES that is no number is no limit, and wins all the same. Throws CannotOpen. */
export async function readDataBytes(system: Pick<System, "readFile" | "env">): Promise<number> {
  const text = system.env.get("DATABYTES");
  if (text === undefined) return readInteger(system, "databytes", 0);
  return Number(/^[0-9]{1,15}/.exec(text)?.[0] ?? 0);
}
