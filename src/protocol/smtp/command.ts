/** SMTP commands as lines. RFC 5321 §2.4; as qmail's commands.c, LF alone also ends a command. */

/** `argument` is what follows the spaces after the verb, as latin1 text. The verb is in upper case. */
export interface Command {
  readonly verb: string;
  readonly argument: string;
}

/** A line of more octets than allowed; it was skipped to its end. */
export const tooLong: Command = { verb: "\0too long", argument: "" };

/** RFC 5321 §4.5.3.1.4 asks for 512; room for what extensions add. The line end counts. */
export const maximumLineOctets = 2048;

const nothing = Buffer.alloc(0);
const lineFeed = 10;
const carriageReturn = 13;

/** The command in one line without its end. */
export function parseCommand(line: string): Command {
  const space = line.indexOf(" ");
  if (space < 0) return { verb: upperCase(line), argument: "" };
  let start = space + 1;
  while (line[start] === " ") start++;
  return { verb: upperCase(line.slice(0, space)), argument: line.slice(start) };
}

/** Letters of ASCII only: bytes above 127 have no case. Most verbs come in upper case already. */
const upperCase = (verb: string) =>
  /[a-z]/.test(verb) ? verb.replace(/[a-z]+/g, (letters) => letters.toUpperCase()) : verb;

/** Takes chunks as they come and gives commands, one by one. Never holds more than one line. */
export class CommandReader {
  #chunk: Buffer = nothing;
  #at = 0;
  #begun = "";
  #skipping = false;

  /** More from the client. All of the chunk before must have been taken. */
  give(chunk: Uint8Array): void {
    this.#chunk = chunk instanceof Buffer ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#at = 0;
  }

  /** The next command; undefined when more must come first. */
  next(): Command | undefined {
    const chunk = this.#chunk;
    const end = chunk.indexOf(lineFeed, this.#at);
    const length = this.#begun.length + (end < 0 ? chunk.length : end + 1) - this.#at;
    if (length > maximumLineOctets) {
      this.#begun = "";
      this.#skipping = true;
    }
    if (end < 0) {
      if (!this.#skipping) this.#begun += chunk.toString("latin1", this.#at);
      this.#at = chunk.length;
      return undefined;
    }
    const start = this.#at;
    this.#at = end + 1;
    if (this.#skipping) {
      this.#skipping = false;
      return tooLong;
    }
    const line = this.#begun + chunk.toString("latin1", start, end);
    this.#begun = "";
    return parseCommand(line.charCodeAt(line.length - 1) === carriageReturn ? line.slice(0, -1) : line);
  }

  /** What came after the last command, which is no command then: the beginning of a message. */
  takeRest(): Uint8Array {
    const rest = this.#chunk.subarray(this.#at);
    this.#at = this.#chunk.length;
    return rest;
  }
}
