/**
 * Where a message's header ends, and its fields as they came. The message has LF line ends and arrives in any pieces.
 * RFC 5322 §2.2; source: mess822's header reader, which takes the first line that is no field for the body.
 */

/** One field, as it came. */
export interface Field {
  /** In lower case. */
  readonly name: string;
  /** What follows the colon, with its line ends, as latin1 text. */
  readonly value: string;
  /** The whole field, from the name to the last line end, as latin1 text. */
  readonly raw: string;
}

export interface Header {
  readonly fields: readonly Field[];
  /** What follows the header, from the empty line on; nothing when there is no body. */
  readonly body: Uint8Array;
}

/** A header of more octets is not kept. */
export const maximumHeaderOctets = 262_144;

const lineFeed = 10;
const emptyLine = Buffer.of(lineFeed);
const nothing = Buffer.alloc(0);

/** Collects a header. */
export class HeaderReader {
  /** What came; a first piece that has all of the header is not copied. */
  #bytes: Buffer = nothing;
  #length = 0;
  /** Up to here all lines belong to fields. */
  #scanned = 0;
  /** Up to here there is no end of the line that began at `#scanned`. */
  #searched = 0;

  /**
   * The header, once it is complete; "tooLong" when it grows too large. Not to be called after either. `content` is ours from
   * then on.
   */
  take(content: Uint8Array): Header | "tooLong" | undefined {
    this.#keep(content);
    const header = this.#scan();
    if (this.#scanned > maximumHeaderOctets) return "tooLong";
    return header ?? (this.#length > maximumHeaderOctets ? "tooLong" : undefined);
  }

  /** The message ended within its header. */
  atEnd(): Header {
    return { fields: fieldsIn(this.#bytes.toString("latin1", 0, this.#length)), body: Buffer.alloc(0) };
  }

  #keep(content: Uint8Array): void {
    if (this.#length === 0) {
      this.#bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
    } else {
      if (this.#length + content.length > this.#bytes.length) {
        const larger = Buffer.alloc(2 * (this.#length + content.length));
        larger.set(this.#bytes.subarray(0, this.#length));
        this.#bytes = larger;
      }
      this.#bytes.set(content, this.#length);
    }
    this.#length += content.length;
  }

  #scan(): Header | undefined {
    for (;;) {
      const start = this.#scanned;
      const end = this.#bytes.indexOf(lineFeed, this.#searched);
      if (end < 0 || end >= this.#length) {
        this.#searched = this.#length;
        return undefined;
      }
      const line = this.#bytes.toString("latin1", start, end);
      if (!(start > 0 && /^[ \t]/.test(line)) && !fieldStart.test(line))
        return this.#split(start, line === "");
      this.#scanned = end + 1;
      this.#searched = end + 1;
    }
  }

  #split(at: number, separated: boolean): Header {
    const rest = this.#bytes.subarray(at, this.#length);
    return {
      fields: fieldsIn(this.#bytes.toString("latin1", 0, at)),
      body: separated ? rest : Buffer.concat([emptyLine, rest]),
    };
  }
}

/** RFC 5322 §3.6.8; blanks before the colon are obsolete and still come. */
const fieldStart = /^([!-9;-~]+)[ \t]*:/;

function fieldsIn(text: string): readonly Field[] {
  const raws = text.match(/[^\n]*\n(?:[ \t][^\n]*\n)*/g) ?? [];
  return raws.map((raw) => {
    const [start = "", name = ""] = fieldStart.exec(raw) ?? [];
    return { name: name.toLowerCase(), value: raw.slice(start.length), raw };
  });
}
