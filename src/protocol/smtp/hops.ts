/**
 * Counts the hops of a message: the header fields that begin `Received` or `Delivered`. A message that has seen very
 * many hosts is going round in circles. RFC 5321 §6.3; source: blast() in qmail-smtpd.c.
 */

/** A message with so many hops is refused. */
export const maximumHops = 100;

const lineFeed = 10;
const longest = "delivered".length;
/** What the fields that are counted begin with: most others are passed over by their first octet. */
const counted = new Set(Buffer.from("rRdD"));

/** Takes a message with LF line ends, in any pieces, and looks no further than the header. */
export class HopCounter {
  #hops = 0;
  #inHeader = true;
  /** The first octets of a line that the last piece left unfinished. */
  #begun = "";

  get hops(): number {
    return this.#hops;
  }

  take(content: Uint8Array): void {
    if (!this.#inHeader || content.length === 0) return;
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
    let at = 0;
    while (this.#inHeader) {
      const end = bytes.indexOf(lineFeed, at);
      if (end > at && this.#begun === "" && !counted.has(bytes[at]!)) {
        at = end + 1;
        continue;
      }
      const room = longest - this.#begun.length;
      const start =
        this.#begun + bytes.toString("latin1", at, Math.min(at + room, end < 0 ? bytes.length : end));
      if (end < 0) {
        this.#begun = start;
        return;
      }
      this.#begun = "";
      if (start === "") this.#inHeader = false;
      else if (/^(?:received|delivered)/i.test(start)) this.#hops++;
      at = end + 1;
    }
  }
}
