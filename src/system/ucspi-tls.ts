/** The control socket of UCSPI-TLS, seen from the application. The bytes: protocol/ucspi-tls. */
import { BlockReader, startAndReport } from "../protocol/ucspi-tls/block.ts";
import { type Input, type Output, TimedOut, TlsFailed } from "./system.ts";

/** Asks for TLS with `Y` and reads what the server says of the handshake. Throws TlsFailed. */
export async function readBlock(
  control: Input,
  command: Output,
  timeoutSeconds: number,
): Promise<ReadonlyMap<string, string | undefined>> {
  try {
    await command.write(startAndReport);
    const reader = new BlockReader();
    for (;;) {
      const chunk = await control.read(timeoutSeconds);
      if (chunk === null) return reader.atEnd();
      const block = reader.take(chunk);
      if (block !== undefined) return block;
    }
  } catch (error) {
    const why = error instanceof TimedOut ? "no handshake in time" : "the server did not start TLS";
    throw error instanceof TlsFailed ? error : new TlsFailed(why, { cause: error });
  }
}
