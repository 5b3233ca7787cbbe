/** Offers TLS to the programs after it, on the descriptors of UCSPI-TLS. s6-ucspitlsd(8) */
import type { System } from "../../system/system.ts";
import { offer, optionsOf } from "../s6-tlsd/offer.ts";

/** Returns the exit code of prog: 100 misused, 111 when it cannot be started. */
export async function main(words: readonly string[], system: System): Promise<number> {
  const options = optionsOf("s6-ucspitlsd", words, system);
  return typeof options === "number" ? options : offer("s6-ucspitlsd", options, system);
}
