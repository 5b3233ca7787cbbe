/** Makes one delivery: finds who it is for, and gives the message to the process that may write there. */
import { localJobBytes, remoteJobBytes } from "../../protocol/queue/job.ts";
import { readSpooled } from "../../system/queue/spool.ts";
import type { Message, QueueStore } from "../../system/queue/store.ts";
import { AgentPool, type Agents, type Content, type Mailbox, type Outcome } from "./agents.ts";
import type { Delivery, Way } from "./deliveries.ts";
import type { Settings } from "./settings.ts";

export interface CarrierOptions {
  /** The queue's folder. */
  readonly folder: string;
  readonly store: QueueStore;
  readonly agents: Agents;
  settings(): Settings;
}

const texts = {
  noMailbox: "Sorry, no mailbox here by that name. (#5.1.1)\n",
  looping: "This message is looping: it already has my Delivered-To line. (#5.4.6)\n",
} as const;

/** A user who was found stays so for this long: under load, one question answers for many messages. */
const trustMs = 2000;

export class Carrier {
  readonly #options: CarrierOptions;
  readonly #pool = new AgentPool();
  readonly #mailboxes = new Map<
    string,
    { readonly at: number; readonly found: Promise<Mailbox | undefined> }
  >();

  constructor(options: CarrierOptions) {
    this.#options = options;
  }

  /** The way to an address: by the part after its last `@`. */
  route(address: string): Way {
    const { settings } = this.#options;
    return settings().isLocal(splitAddress(address).host ?? settings().envNoAtHost) ? "local" : "remote";
  }

  /** Makes the delivery. Never throws: what goes wrong on our side is a deferral. */
  async make(delivery: Delivery): Promise<Outcome> {
    try {
      return await (delivery.way === "local" ? this.#local(delivery) : this.#remote(delivery));
    } catch (error) {
      const text = `${error instanceof Error ? error.message : String(error)} (#4.3.0)\n`;
      return { ...outcome("deferral", text), crashed: true };
    }
  }

  /** To be called now and then: lets go of processes without work. */
  async sweep(): Promise<void> {
    const old = performance.now() - trustMs;
    for (const [name, { at }] of this.#mailboxes) if (at < old) this.#mailboxes.delete(name);
    await this.#pool.sweep();
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #local({ number, recipient, message, again }: Delivery): Promise<Outcome> {
    const { agents, settings } = this.#options;
    const { localPart, host } = splitAddress(recipient.address);
    const user = settings().userOf(localPart);
    const mailbox = user === undefined ? undefined : await this.#find(user);
    if (mailbox === undefined) return outcome("failure", texts.noMailbox);
    const address = host === undefined ? `${localPart}@${settings().envNoAtHost}` : recipient.address;
    const deliveredTo = `Delivered-To: ${oneLine(address)}\n`;
    const head = `Return-Path: <${oneLine(message.sender)}>\n${deliveredTo}${message.trace}`;
    const content = this.#content(message, Buffer.from(head, "latin1"));
    if (Array.isArray(content) && isLooping(content[1], deliveredTo))
      return outcome("failure", texts.looping);
    const agent = await this.#pool.get(`uid ${mailbox.uid}`, "qmail-local", () => agents.startLocal(mailbox));
    const file = fileName(message, recipient.id, settings().me);
    return agent.deliver(number, localJobBytes({ home: mailbox.home, file, again }), content);
  }

  async #remote({ number, recipient, message }: Delivery): Promise<Outcome> {
    const agent = await this.#pool.get("remote", "qmail-remote", () => this.#options.agents.startRemote());
    const job = remoteJobBytes({ sender: message.sender, recipient: recipient.address });
    return agent.deliver(number, job, this.#content(message, Buffer.from(message.trace, "latin1")));
  }

  #find(user: string): Promise<Mailbox | undefined> {
    const known = this.#mailboxes.get(user);
    if (known !== undefined && known.at + trustMs > performance.now()) return known.found;
    const found = this.#options.agents.find(user);
    this.#mailboxes.set(user, { at: performance.now(), found });
    found.catch(() => this.#mailboxes.delete(user));
    return found;
  }

  #content({ id, file }: Message, head: Uint8Array): Content {
    const { folder, store } = this.#options;
    return file === null ? [head, store.content(id)] : withHead(head, readSpooled(folder, file));
  }
}

async function* withHead(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* rest;
}

/** The address cut at its last `@`. */
export function splitAddress(address: string): { localPart: string; host: string | undefined } {
  const at = address.lastIndexOf("@");
  if (at < 0) return { localPart: address, host: undefined };
  return { localPart: address.slice(0, at), host: address.slice(at + 1) };
}

/**
 * The name of a message's file, the same on every try: seconds of arrival, message and recipient, host. At most 70
 * octets that a UIDL line can carry (RFC 1939 §7).
 */
export function fileName(
  { id, arrived }: Pick<Message, "id" | "arrived">,
  recipient: number,
  me: string,
): string {
  const host = me.replace(/[^A-Za-z0-9.-]/g, "-").slice(0, 24);
  return `${Math.floor(arrived / 1000)}.M${id}R${recipient}.${host}`;
}

/** True when the header has the line already: the message was here before. Source: qmail-local(8). */
export function isLooping(content: Uint8Array | undefined, line: string): boolean {
  if (content === undefined) return false;
  const view = Buffer.from(content.buffer, content.byteOffset, content.length);
  const end = view.indexOf("\n\n");
  const header = view.subarray(0, end < 0 ? view.length : end + 1);
  for (let at = header.indexOf(line, 0, "latin1"); at >= 0; at = header.indexOf(line, at + 1, "latin1")) {
    if (at === 0 || header[at - 1] === 0x0a) return true;
  }
  return false;
}

/** An address with a line end would be two lines. As qmail-local does. */
const oneLine = (address: string) => address.replaceAll("\n", "_");

function outcome(how: Outcome["how"], text: string): Outcome {
  return { how, text, crashed: false, forget: () => {} };
}
