/** What authup gives a checkpassword on descriptor 3: three fields, or a conversation. checkpassword(8) */
import {
  answersVariable,
  conversationReader,
  formatWord,
  type Opening,
  parseMessage,
  parseOpening,
  type Word,
} from "../protocol/checkpassword/conversation.ts";
import { maximumOctets } from "../protocol/checkpassword/fields.ts";
import { CannotOpen, type Input, type Output, type System } from "../system/system.ts";
import { Gone, type Peer } from "./sasl/converse.ts";

/** One octet more than checkpassword takes is enough to know that there are too many. */
const fieldsOctets = maximumOctets + 1;

export type Descriptor3 =
  /** To be wiped. The descriptor is closed. */
  { readonly fields: Uint8Array } | { readonly conversation: Conversation };

type Streams = Pick<System, "input" | "output" | "env">;

/** Reads what is there: all fields, or how a conversation begins. Throws CannotOpen, and Gone. */
export async function readDescriptor3(system: Streams): Promise<Descriptor3> {
  const input = system.input(3);
  const fields = Buffer.alloc(fieldsOctets);
  let filled = 0;
  for (;;) {
    const chunk = await input.read();
    if (chunk === null) break;
    if (filled === 0 && chunk[0] === 0) {
      return { conversation: await Conversation.begin(input, answersTo(system), chunk.subarray(1)) };
    }
    const taken = chunk.subarray(0, fields.length - filled);
    fields.set(taken, filled);
    filled += taken.length;
    chunk.fill(0);
    if (filled === fields.length) break; // too many; how many more does not matter
  }
  input.close();
  return { fields: fields.subarray(0, filled) };
}

/** Who cannot hear an answer has no conversation, but an empty name. */
function answersTo(system: Streams): Output {
  const descriptor = system.env.get(answersVariable) ?? "3";
  system.env.delete(answersVariable);
  try {
    return system.output(/^[3-9]$/.test(descriptor) ? Number(descriptor) : 3);
  } catch (error) {
    if (error instanceof CannotOpen) throw new Gone("nobody hears on descriptor 3");
    throw error;
  }
}

/** checkpassword's end of a conversation. */
export class Conversation implements Peer {
  readonly #input: Input;
  readonly #output: Output;
  readonly #reader = conversationReader();
  opening: Opening = { mechanism: "", binding: "", certificate: [] };
  initial: Uint8Array | undefined;

  private constructor(input: Input, output: Output) {
    this.#input = input;
    this.#output = output;
  }

  static async begin(input: Input, output: Output, bytes: Uint8Array): Promise<Conversation> {
    const conversation = new Conversation(input, output);
    if (bytes.length > 0) conversation.#reader.push(bytes);
    const opening = parseOpening(await conversation.#next());
    if (opening === undefined) throw new Gone("no opening");
    conversation.opening = opening;
    const message = parseMessage(await conversation.#next());
    if (message === undefined) throw new Gone("no message");
    conversation.initial = message === "none" ? undefined : message;
    return conversation;
  }

  async challenge(octets: Uint8Array): Promise<Uint8Array> {
    await this.say({ challenge: octets });
    const message = parseMessage(await this.#next());
    if (message === undefined || message === "none") throw new Gone("no message");
    return message;
  }

  async say(word: Word): Promise<void> {
    await this.#output.write(formatWord(word));
  }

  /** The next program must not find it. */
  async close(): Promise<void> {
    await this.#output.flush();
    if (this.#output.fd !== this.#input.fd) this.#output.close();
    this.#input.close();
  }

  async #next(): Promise<Uint8Array> {
    for (;;) {
      const octets = this.#reader.next();
      if (octets === "broken") throw new Gone("no netstring");
      if (octets !== undefined) return octets;
      const chunk = await this.#input.read();
      if (chunk === null) throw new Gone("the end of descriptor 3");
      this.#reader.push(chunk);
    }
  }
}
