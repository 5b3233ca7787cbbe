/** The handshake of a session in this process: the client goes to the TLS process, and what is inside comes back. */
import { closeSync } from "node:fs";
import { BlockParser } from "../../protocol/ucspi-tls/block.ts";
import { wipeableCopy } from "../../protocol/wipeable.ts";
import { deadlines } from "../deadlines.ts";
import { duplicateFrom, socketPair } from "../native.ts";
import type { Secured } from "../resident-host.ts";
import { connectionOf, type StreamInput } from "../stream.ts";
import { type Input, type Output, TlsFailed } from "../system.ts";
import type { Channel } from "./channel.ts";
import type { Service } from "./service.ts";

/** What secures a service's sessions, by the TLS process that `tls` gives. It throws TlsFailed. */
export const secureBy =
  ({ id, handshakeSeconds: seconds }: Service, tls: () => Channel | undefined) =>
  async (input: Input, output: Output, host: string | undefined): Promise<Secured> => {
    const process = tls();
    if (process === undefined) throw new TlsFailed("the TLS process is away");
    await output.flush();
    const client = input.fd;
    if (client === undefined) throw new TlsFailed("not a connection");
    const passed = duplicateFrom(client, 3);
    const [ours, theirs] = pairOr(() => closeSync(passed));
    input.close();
    const head = { kind: "handshake", service: id, seconds, host };
    const asked = process.question(head, undefined, [passed, theirs]);
    const inside = connectionOf(ours);
    try {
      const secured = await readReply(inside.input, seconds + 5);
      asked.forget(); // only a refusal is told
      return { ...secured, output: inside.output };
    } catch (error) {
      inside.socket.destroy();
      const heard = deadlines.after(reasonSeconds, asked.forget); // a process that is stuck gives no reason
      const why = (await asked.answer.finally(heard))?.head["why"];
      throw new TlsFailed(typeof why === "string" ? why : "the TLS process is away", { cause: error });
    }
  };

/** The TLS process gives its reason for a refusal when it closes; not necessarily before. */
const reasonSeconds = 1;

/** A pair of sockets; `failed` gives back what was meant to go with it. */
function pairOr(failed: () => void): [number, number] {
  try {
    return socketPair();
  } catch (error) {
    failed();
    throw error;
  }
}

/** Reads the reply that the TLS process puts in front of the clear text. No byte at all: the handshake failed. */
async function readReply(input: StreamInput, seconds: number): Promise<Omit<Secured, "output">> {
  let bytes: Buffer = Buffer.alloc(0);
  for (;;) {
    const chunk = await input.read(seconds).catch(() => null);
    if (chunk === null) throw new TlsFailed("the handshake failed");
    const came = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    bytes = bytes.length === 0 ? came : Buffer.concat([bytes, came]);
    if (bytes.length < 8) continue;
    const ownAt = 8 + bytes.readUInt32BE(0);
    const end = ownAt + bytes.readUInt32BE(4);
    if (bytes.length < end) continue;
    // Whoever keeps what the client said is not to keep the block with it.
    const rest = wipeableCopy(bytes.subarray(end));
    input.octets = rest.length; // what the client said begins here
    return {
      block: blocks.parse(bytes.subarray(8, ownAt), bytes.subarray(ownAt, end)),
      input: rest.length === 0 ? input : new Before(rest, input),
    };
  }
}

/** Sessions of a service differ in little. */
const blocks = new BlockParser();

/** An input that has bytes in front of it. */
class Before implements Input {
  #first: Uint8Array | undefined;
  readonly #input: StreamInput;

  constructor(first: Uint8Array, input: StreamInput) {
    this.#first = first;
    this.#input = input;
  }

  read(timeoutSeconds?: number): Promise<Uint8Array | null> {
    const now = this.#first;
    if (now === undefined) return this.#input.read(timeoutSeconds);
    this.#first = undefined;
    return Promise.resolve(now);
  }

  close(): void {
    this.#input.close();
  }

  get octets(): number {
    return this.#input.octets;
  }

  get fd(): number | undefined {
    return this.#first === undefined ? this.#input.fd : undefined;
  }
}
