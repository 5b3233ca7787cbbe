/**
 * The envelope as qmail-queue reads it from descriptor 1: `F` sender NUL, then `T` recipient NUL for each, then one
 * more NUL. Without that last NUL the message is not meant to be queued. Source: qmail-queue(8), qmail's INTERNALS.
 */

/** Who a message is from and to. Addresses are bytes as latin1 text; the null sender is "". */
export interface Envelope {
  readonly sender: string;
  readonly recipients: readonly string[];
}

/** An address may have this many octets and no more. */
export const maximumAddressOctets = 1002;

/** Why an envelope was not understood, and the exit code of qmail-queue that says so. */
export type EnvelopeFault = { readonly fault: string; readonly exit: 11 | 54 | 91 };

/** The envelope's bytes. Throws RangeError for an address with a NUL, which would be read as several. */
export function envelopeBytes({ sender, recipients }: Envelope): Uint8Array {
  let text = `F${withoutNul(sender)}\0`;
  for (const recipient of recipients) text += `T${withoutNul(recipient)}\0`;
  return Buffer.from(`${text}\0`, "latin1");
}

function withoutNul(address: string): string {
  if (address.includes("\0")) throw new RangeError("an address has no NUL");
  return address;
}

/** The envelope in `bytes`, all that came until the end of file; what follows its last NUL is ignored. */
export function parseEnvelope(bytes: Uint8Array): Envelope | EnvelopeFault {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  let sender: string | undefined;
  const recipients: string[] = [];
  for (let at = 0; ; ) {
    if (sender !== undefined && text[at] === "\0") return { sender, recipients };
    if (at >= text.length) return { fault: "the envelope is not complete", exit: 54 };
    if (text[at] !== (sender === undefined ? "F" : "T")) return { fault: "not an envelope", exit: 91 };
    const end = text.indexOf("\0", at);
    if ((end < 0 ? text.length : end) - at - 1 > maximumAddressOctets) {
      return { fault: "an address is too long", exit: 11 };
    }
    if (end < 0) return { fault: "the envelope is not complete", exit: 54 };
    const address = text.slice(at + 1, end);
    if (sender === undefined) sender = address;
    else recipients.push(address);
    at = end + 1;
  }
}
