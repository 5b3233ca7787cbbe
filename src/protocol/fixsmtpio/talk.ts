/** What a session says, to the server and to the client, and which replies it waits for. */
import { type Answer, isOwnAnswer, type OwnAnswer, ownAnswers, Queue } from "./expected.ts";
import { type Reply, textOf } from "./reply.ts";
import type { Request } from "./request.ts";
import { Rulings } from "./rulings.ts";
import type { Observer, Settings } from "./settings.ts";
import { Outgoing } from "./unread.ts";

/** What to write, and what to do when that is written. */
export interface Outcome {
  readonly toServer: Uint8Array | undefined;
  readonly toClient: Uint8Array | undefined;
  readonly next: Next | undefined;
}

export type Next =
  /** Start TLS, then a new server. What the client sent in clear behind its STARTTLS is dropped. */
  | { readonly do: "startTls"; readonly droppedOctets: number }
  /** End this server and start another: the message that was begun is to be forgotten. */
  | { readonly do: "startAnew" }
  /** End the session with this exit code, or with the server's own. */
  | { readonly do: "stop"; readonly exitCode: number | undefined }
  /** The server goes on without an end. */
  | { readonly do: "giveUp" };

/** What the bytes of the client are at the moment. */
type Hearing =
  | "requests"
  /** Nothing yet: they depend on the reply to EHLO, DATA or STARTTLS, or on another server. */
  | "waiting"
  | "message"
  /** As many octets as a BDAT told. */
  | "chunk"
  /** Nothing any more. */
  | "deaf";

const lf = 0x0a;

export class Talk {
  readonly settings: Settings;
  readonly observer: Observer | undefined;
  readonly rulings: Rulings;
  readonly queue = new Queue();
  readonly toServer = new Outgoing();
  readonly #toClient = new Outgoing();
  secured = false;
  hearing: Hearing = "requests";
  next: Next | undefined;

  constructor(settings: Settings, observer: Observer | undefined) {
    this.settings = settings;
    this.observer = observer;
    this.rulings = new Rulings(settings, observer);
  }

  outcome(): Outcome {
    return { toServer: this.toServer.take(), toClient: this.#toClient.take(), next: this.next };
  }

  get isStrict(): boolean {
    return this.settings.options?.strictLineEnds ?? false;
  }

  /** Another server's first words are to be heard, nothing else. */
  meetServer(): void {
    this.next = undefined;
    this.queue.clear();
    this.expect("greeting", "second greeting");
  }

  expect(event: string, answer: Answer, secret = false): void {
    this.queue.push({ event, answer, secret });
  }

  /** A request of our own. */
  request(event: string, prefix: string, passed: string, answer: Answer): void {
    this.toServer.say(prefix + passed);
    this.observer?.request?.({ event, line: "", front: "", prefix, passed, secret: false });
    this.expect(event, answer);
  }

  /** A request that the server does not see. */
  keep({ bytes, start, end, event }: Request): void {
    const line = bytes.toString("latin1", start, end);
    this.observer?.request?.({
      event,
      line,
      front: "",
      prefix: "",
      passed: "",
      secret: event.startsWith("auth"),
    });
  }

  /** Answers what the client said last, in its turn. */
  answer(how: OwnAnswer): void {
    if (ownAnswers[how].last) this.hearing = "deaf";
    this.expect("", how);
    this.answerOurselves();
  }

  /** Gives the answers that do not wait for the server, when it is their turn. */
  answerOurselves(): void {
    for (;;) {
      const answer = this.queue.first?.answer;
      if (!isOwnAnswer(answer)) return;
      this.queue.shift();
      const { text, last } = ownAnswers[answer];
      this.#toClient.say(text);
      this.observer?.ownAnswer?.(text);
      if (!last) continue;
      this.rulings.ofClientsEnd("");
      this.next = { do: "stop", exitCode: this.rulings.exitCode };
      return;
    }
  }

  /** The message, which the server has not seen the end of, is not sent: the session is over. */
  refuseMessage(): void {
    this.queue.clear();
    this.answer("bare CR or LF in message");
  }

  /** Takes `shown`, the reply or what stands for it, through the rules, and on to the client. Returns what that hears. */
  pass(event: string, reply: Reply, shown = reply): string | undefined {
    const { text, stops } = this.rulings.ofReply(event, shown, this.secured);
    if (text !== undefined) this.#toClient.say(text);
    else {
      this.#toClient.pass(shown.bytes, shown.start, shown.end);
      if (shown.bytes[shown.end - 1] !== lf) this.#toClient.say("\r\n");
    }
    if (this.observer?.reply !== undefined) {
      const seen = textOf(shown);
      this.observer.reply({ event, reply: textOf(reply), shown: seen, sent: text ?? seen });
    }
    if (stops) this.#stop();
    return text;
  }

  /** Says `words` in place of a reply, or nothing; no rule decides about that, but on the end of the session they may. */
  replace(event: string, reply: Reply, words = "", ruled = words === ""): void {
    const stops = ruled && this.rulings.ofReply(event, reply, this.secured).stops;
    this.#toClient.say(words);
    this.observer?.reply?.({ event, reply: textOf(reply), shown: undefined, sent: words });
    if (stops) this.#stop();
  }

  #stop(): void {
    this.next = { do: "stop", exitCode: this.rulings.exitCode };
  }
}
