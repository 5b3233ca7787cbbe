/** Who gets what, when: takes recipients from the queue as their time comes, and has them delivered to. */
import { type Bounce, bounceOf } from "../../protocol/queue/bounce.ts";
import { invokedLine } from "../../protocol/queue/invoked.ts";
import { isTooOld, nextTry } from "../../protocol/queue/schedule.ts";
import { headOfSpooled, removeSpooled } from "../../system/queue/spool.ts";
import {
  channel,
  type Due,
  type Message,
  type NewMessage,
  type QueueStore,
} from "../../system/queue/store.ts";
import type { Outcome } from "./agents.ts";
import type { Committer } from "./committer.ts";
import type { DeliveryLog } from "./log.ts";
import type { Settings } from "./settings.ts";

export type Way = "local" | "remote";

/** One delivery that is to be made. */
export interface Delivery {
  /** Unlike any other's since the start. */
  readonly number: number;
  readonly way: Way;
  readonly recipient: Due;
  readonly message: Message;
  /** True when an earlier try may have delivered. */
  readonly again: boolean;
}

export interface DeliveriesOptions {
  /** The queue's folder. */
  readonly folder: string;
  readonly store: QueueStore;
  readonly committer: Committer;
  readonly log: DeliveryLog;
  settings(): Settings;
  now(): number;
  pid(): string;
  uid(): number;
  /** The way to an address. */
  route(address: string): Way;
  /** Makes a delivery. Never throws. */
  make(delivery: Delivery): Promise<Outcome>;
}

/** A crash says nothing about the message: it is tried again after a breath, which grows should it crash again. */
const afterCrash = (tries: number) => Math.min(250 * 2 ** tries, 400_000);
const longestSleepMs = 3600_000;
const headOctets = 65536;

export class Deliveries {
  readonly #options: DeliveriesOptions;
  /** Recipients that are being delivered to, or whose outcome is not on disk yet. */
  readonly #claimed = { local: new Set<number>(), remote: new Set<number>() };
  readonly #running = { local: 0, remote: 0 };
  /** Ways on which somebody may be due whom we have not claimed. */
  readonly #stale = { local: true, remote: true };
  /** When the next recipient of a way comes due: the queue is not asked before, unless the way is stale. */
  readonly #next = { local: 0, remote: 0 };
  /** Those up to here were in the queue before we were. */
  readonly #before: number;
  readonly #uncertain = new Set<number>();
  #last = 0;
  #soon = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #stopping: (() => void) | undefined;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#before = options.store.lastRecipient();
  }

  /** Somebody may be due, now or sooner than was known, on `way` or on any. Calls of one turn count as one. */
  wake(way?: Way): void {
    if (way === undefined) this.#stale.local = this.#stale.remote = true;
    else this.#stale[way] = true;
    if (way === undefined || this.#free(way) > 0) this.#lookSoon();
  }

  #lookSoon(): void {
    if (this.#soon || this.#stopping !== undefined) return;
    this.#soon = true;
    setImmediate(() => {
      this.#soon = false;
      this.#look();
    });
  }

  /** Starts nothing more; resolves when what runs has ended. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await new Promise<void>((resolve) => {
      this.#stopping = resolve;
      this.#stopped();
    });
  }

  #stopped(): void {
    if (this.#running.local + this.#running.remote === 0) this.#stopping?.();
  }

  #look(): void {
    if (this.#stopping !== undefined) return;
    const at = this.#options.now();
    let next = at + longestSleepMs;
    for (const way of ["local", "remote"] as const) {
      if (this.#stale[way] || this.#next[way] <= at) this.#fill(way, at);
      if (this.#free(way) > 0) next = Math.min(next, this.#next[way]);
    }
    this.#sleepUntil(next, at);
  }

  /** One timer is enough that is early: the look that it brings finds out. */
  #sleepUntil(next: number, at: number): void {
    if (this.#timerAt > at && this.#timerAt <= next) return;
    clearTimeout(this.#timer);
    this.#timerAt = next;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.wake();
      },
      Math.max(1, next - at),
    );
  }

  /** How many deliveries more there may be at this moment. */
  #free(way: Way): number {
    return this.#options.settings().concurrency[way] - this.#running[way];
  }

  #fill(way: Way, at: number): void {
    const { store } = this.#options;
    const free = this.#free(way);
    const claimed = this.#claimed[way];
    if (free <= 0) return;
    const most = claimed.size + free;
    const due = store.due(channel[way], at, most);
    this.#stale[way] = due.length === most;
    this.#next[way] = store.nextDue(channel[way], at) ?? Number.POSITIVE_INFINITY;
    const unclaimed = due.filter(({ id }) => !claimed.has(id));
    for (const recipient of unclaimed.slice(0, free)) void this.#start(way, recipient);
  }

  async #start(way: Way, recipient: Due): Promise<void> {
    const { store, log, make } = this.#options;
    const message = store.message(recipient.message);
    if (message === undefined) return; // removed by hand meanwhile
    const number = ++this.#last;
    this.#claimed[way].add(recipient.id);
    this.#running[way]++;
    log.starting(number, message.id, way, recipient.address);
    this.#status();
    const again = recipient.id <= this.#before || recipient.tries > 0 || this.#uncertain.has(recipient.id);
    const outcome = await make({ number, way, recipient, message, again });
    this.#running[way]--;
    log.ended(number, outcome);
    this.#status();
    this.#settle(way, recipient, message, outcome);
    if (this.#stopping === undefined) this.#lookSoon();
    else this.#stopped();
  }

  /** Has the outcome written. The recipient stays claimed until it is. */
  #settle(way: Way, recipient: Due, message: Message, outcome: Outcome): void {
    const { store, committer, log, folder } = this.#options;
    let ended = false;
    let bounced: number | undefined;
    committer.change({
      apply: () => {
        this.#write(way, recipient, message, outcome);
        ended = !store.isWaiting(message.id);
        bounced = ended ? this.#end(message) : undefined;
      },
      settle: () => {
        this.#claimed[way].delete(recipient.id);
        if (outcome.crashed) this.#uncertain.add(recipient.id);
        else this.#uncertain.delete(recipient.id);
        outcome.forget();
        if (bounced !== undefined) log.line(`bounce msg ${message.id} qp ${this.#options.pid()}`);
        if (ended) log.line(`end msg ${message.id}`);
        if (ended && message.file !== null) void removeSpooled(folder, message.file);
        if (bounced !== undefined) this.#announce(bounced);
        if (bounced !== undefined) this.wake();
        else if (outcome.how === "deferral") this.wake(way);
      },
    });
  }

  #write(way: Way, recipient: Due, message: Message, { how, text, crashed }: Outcome): void {
    const { store, settings, now } = this.#options;
    const at = now();
    const tooLate = how === "deferral" && isTooOld(message.arrived, at, settings().lifetimeSeconds);
    if (how === "success") store.deliver(recipient.id);
    else if (how === "failure") store.fail(recipient.id, text);
    else if (tooLate) store.fail(recipient.id, `${text}${tooOld}`);
    else if (crashed) store.defer(recipient.id, at + afterCrash(recipient.tries));
    else store.defer(recipient.id, nextTry(message.arrived, at, way));
  }

  /** No recipient is waited for any more: the sender hears of failures. Returns the number of the bounce. */
  #end(message: Message): number | undefined {
    const { store } = this.#options;
    const failures = store.failures(message.id);
    const bounce = failures.length > 0 ? this.#bounce(message, failures) : undefined;
    const id = bounce && store.add(bounce);
    store.remove(message.id);
    return id;
  }

  #bounce(message: Message, failures: readonly { address: string; text: string }[]): NewMessage | undefined {
    const { settings, now, folder, store, pid, uid, route } = this.#options;
    const { bounceHost: me, doubleBounceTo: postmaster } = settings();
    const { id, sender, arrived, trace, file } = message;
    const content = file === null ? store.content(id) : headOrNothing(folder, file);
    const head = Buffer.concat([Buffer.from(trace, "latin1"), content.subarray(0, headOctets)]);
    const bounce: Bounce | undefined = bounceOf(
      { sender, failures, head, arrived },
      { me, postmaster, now: now(), id },
    );
    if (bounce === undefined) return undefined;
    const line = invokedLine(pid(), "bounce", now());
    return {
      sender: bounce.sender,
      recipients: [{ address: bounce.recipient, channel: channel[route(bounce.recipient)] }],
      uid: uid(),
      pid: pid(),
      trace: line,
      content: { bytes: bounce.content },
      sizeOctets: line.length + bounce.content.length,
      arrived: now(),
    };
  }

  #announce(id: number): void {
    const message = this.#options.store.message(id);
    if (message !== undefined) this.#options.log.newMessage(id, message);
  }

  #status(): void {
    const { log, settings } = this.#options;
    const { local, remote } = settings().concurrency;
    log.line(`status: local ${this.#running.local}/${local} remote ${this.#running.remote}/${remote}`);
  }
}

/** Whoever removed the file by hand has not removed the sender's right to hear of it. */
function headOrNothing(folder: string, file: string): Uint8Array {
  try {
    return headOfSpooled(folder, file, headOctets);
  } catch {
    return new Uint8Array();
  }
}

const tooOld = "I'm not going to try again; this message has been in the queue too long.\n";
