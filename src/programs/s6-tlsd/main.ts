/** TLS from the first byte, for programs that know nothing of it. s6-tlsd(8) */
import { applyBlock } from "../../protocol/ucspi-tls/level.ts";
import { type System, TlsFailed } from "../../system/system.ts";
import { offer, optionsOf } from "./offer.ts";

/** Seconds in which whoever speaks TLS has to say how the handshake ended, when its own time was up. */
const answerSeconds = 5;

/** Returns the exit code of prog: 96 and 98 as s6-tlsd-io, 100 misused, 111 when it cannot be started. */
export async function main(words: readonly string[], system: System): Promise<number> {
  const options = optionsOf("s6-tlsd", words, system);
  if (typeof options === "number") return options;
  return offer("s6-tlsd", options, system, async (monitor) => {
    try {
      applyBlock(system.env, await system.startTls(options.handshakeSeconds + answerSeconds));
      return undefined;
    } catch (error) {
      if (!(error instanceof TlsFailed)) throw error;
      return monitor(); // which has said why
    }
  });
}
