import { parseEnvelope } from "../../protocol/queue/envelope.ts";
import type { Handover } from "../../protocol/queue/handover.ts";
import { invokedLine, invokerOf, type ServiceUids } from "../../protocol/queue/invoked.ts";
import { Incoming, MemoryBudget } from "./incoming.ts";
import { channel, QueueStore } from "./store.ts";

/** Of messages that this process writes into the queue itself. */
const budget = new MemoryBudget(16 * 1024 * 1024);

/** A message that qmail-queue writes into the queue itself, because qmail-send is not there. */
export class Direct {
  readonly #folder: string;
  readonly #incoming: Incoming;

  constructor(folder: string) {
    this.#folder = folder;
    this.#incoming = new Incoming(folder, budget);
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    const wait = this.#incoming.write(bytes);
    this.#incoming.own();
    return wait;
  }

  /** The message is complete. Resolves to the exit code; throws or rejects with the system's or SQLite's error. */
  async finish(handover: Handover, uid: number, service: ServiceUids): Promise<number> {
    const envelope = parseEnvelope(handover.envelope);
    if ("exit" in envelope) return envelope.exit;
    const incoming = this.#incoming;
    const arrived = Date.now();
    const trace = invokedLine(handover.pid, invokerOf(uid, handover.authenticated, service), arrived);
    const content = await incoming.finish();
    const store = new QueueStore(this.#folder);
    try {
      store.transact(() =>
        store.add({
          sender: envelope.sender,
          recipients: envelope.recipients.map((address) => ({ address, channel: channel.new })),
          uid,
          pid: handover.pid,
          trace,
          content,
          sizeOctets: trace.length + incoming.sizeOctets,
          arrived,
        }),
      );
    } finally {
      store.close();
    }
    incoming.release();
    return 0;
  }

  /** The message does not come about. */
  discard(): Promise<void> {
    return this.#incoming.discard();
  }
}
