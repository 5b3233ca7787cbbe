/**
 * The conversation: what fixsmtpio, between a client and a server, makes of the bytes of either side.
 *
 *     client ──requests──▶ prefixes ──────────────▶ server
 *            ◀─────────── rules by event ◀──replies──
 *
 * Each request puts its event into a queue, each reply takes the first one out: so pipelined requests meet their own
 * replies. It knows nothing of sockets and processes: it is given bytes, and says what to write and what to do.
 */
import { AuthExchange } from "./auth-exchange.ts";
import {
  type Answer,
  type Expected,
  fronts,
  isRefusal,
  Queue,
  type Refusal,
  refusals,
  replies,
} from "./expected.ts";
import { MessagePassage } from "./message-passage.ts";
import { hasCode, type Reply, ReplyReader, replyOf, textOf } from "./reply.ts";
import { chunkOctets, type Request, RequestReader } from "./request.ts";
import { Rulings } from "./rulings.ts";
import type { Observer, Settings } from "./settings.ts";
import { Outgoing, Unread } from "./unread.ts";

/** What to write, and what to do when that is written. */
export interface Outcome {
  readonly toServer: Uint8Array | undefined;
  readonly toClient: Uint8Array | undefined;
  readonly next: Next | undefined;
}

export type Next =
  /** Start TLS, then a new server. What the client sent in clear behind its STARTTLS is dropped. */
  | { readonly do: "startTls"; readonly droppedOctets: number }
  /** End the session with this exit code, or with the server's own. */
  | { readonly do: "stop"; readonly exitCode: number | undefined }
  /** The server goes on without an end. */
  | { readonly do: "giveUp" };

/** What the bytes of the client are at the moment. */
type Hearing =
  | "requests"
  /** Nothing yet: they depend on the reply to DATA or STARTTLS. */
  | "waiting"
  | "message"
  /** As many octets as a BDAT told. */
  | "chunk"
  /** Nothing any more. */
  | "deaf";

/** The requests before STARTTLS that a server behind `UCSPITLS=!` gets to see. */
const allowedInClear: ReadonlySet<string> = new Set(["noop", "ehlo", "starttls", "quit"]);

/** More unanswered requests than this are not read: a client cannot make us remember without end. */
const maximumQueue = 1000;

const quiet: Outcome = { toServer: undefined, toClient: undefined, next: undefined };
const lf = 0x0a;
/** What a reply answers that nobody asked for: the server ends the session, in most cases for the client's silence. */
const unasked: Expected = { event: "timeout", answer: "server", secret: false };

export class Conversation {
  readonly #settings: Settings;
  readonly #observer: Observer | undefined;
  readonly #rulings: Rulings;
  readonly #queue = new Queue();
  readonly #client = new Unread();
  readonly #requests: RequestReader;
  readonly #server = new ReplyReader();
  readonly #toServer = new Outgoing();
  readonly #toClient = new Outgoing();
  #secured = false;
  #hearing: Hearing = "requests";
  #held = false;
  #clientGone = false;
  #next: Next | undefined;
  #auth = new AuthExchange();
  #passage: MessagePassage;
  /** The server's last reply to EHLO offered BDAT. */
  #chunking = false;
  #chunk = { leftOctets: 0, isForServer: true };

  constructor(settings: Settings, observer?: Observer) {
    this.#settings = settings;
    this.#observer = observer;
    this.#rulings = new Rulings(settings, observer);
    this.#requests = new RequestReader(this.#client, settings.options ?? {});
    this.#passage = this.#newPassage();
    this.#queue.push({ event: "greeting", answer: "server", secret: false });
  }

  /** True when more bytes of the client can be used now. Else they are not to be read. */
  get hearsClient(): boolean {
    if (this.#next !== undefined || this.#hearing === "waiting" || this.#hearing === "deaf") return false;
    return this.#queue.length < maximumQueue;
  }

  /** True when bytes of the client lie here that could not be used when they came: `resume` is to be called. */
  get holds(): boolean {
    return this.#held;
  }

  /** The exit code a rule gave, if one did. */
  get exitCode(): number | undefined {
    return this.#rulings.exitCode;
  }

  fromClient(chunk: Uint8Array): Outcome {
    this.#client.push(chunk);
    return this.resume();
  }

  /** Uses what the client sent before it could be used. */
  resume(): Outcome {
    while (this.hearsClient && this.#client.octets > 0) {
      if (this.#hearing === "message") this.#message();
      else if (this.#hearing === "chunk") this.#passChunk();
      else if (!this.#request()) break;
    }
    this.#held = this.#client.octets > 0 && !this.hearsClient;
    return this.#outcome();
  }

  /** The client is gone. The server is to see that; replies it still owes are passed on. */
  clientEnded(): Outcome {
    this.#clientGone = true;
    this.#observer?.clientEnded?.();
    const text = this.#hearing === "requests" ? this.#client.bytes.toString("latin1", this.#client.at) : "";
    this.#rulings.ofClientsEnd(text);
    // A message without its end was not sent, whatever the server makes of it.
    if (this.#hearing === "message" || this.#hearing === "chunk") this.#queue.clear();
    this.#hearing = "deaf";
    return this.#outcome();
  }

  /** After a `next` what the server says is dropped. */
  fromServer(chunk: Uint8Array): Outcome {
    if (this.#next !== undefined) return quiet;
    this.#server.push(chunk);
    while (this.#next === undefined) {
      const reply = this.#server.next();
      if (reply !== undefined) this.#reply(reply);
      else if (this.#server.tooLong) this.#next = { do: "giveUp" };
      else break;
    }
    return this.#outcome();
  }

  /** The server is gone. What it said last counts, also without its end. */
  serverEnded(): Outcome {
    const rest = this.#server.rest();
    const answer = this.#queue.first?.answer ?? "server";
    if (this.#next === undefined && rest !== undefined && answer === "server") this.#reply(rest);
    return this.#outcome();
  }

  /** TLS is there, and a new server: all that was said in clear is forgotten. RFC 3207 §4.2 */
  tlsStarted(): void {
    this.#observer?.tlsStarted?.();
    this.#secured = true;
    this.#hearing = "requests";
    this.#held = false;
    this.#chunking = false;
    this.#auth = new AuthExchange();
    this.#next = undefined;
    this.#rulings.askAnew();
    this.#client.forget();
    this.#server.forget();
    this.#queue.clear();
    this.#queue.push({ event: "greeting", answer: "second greeting", secret: false });
  }

  #outcome(): Outcome {
    return { toServer: this.#toServer.take(), toClient: this.#toClient.take(), next: this.#next };
  }

  /** Takes one request. False when there is no whole one. */
  #request(): boolean {
    const request = this.#requests.next();
    if (request === undefined) return false;
    if (typeof request === "string") this.#refuse(request);
    else this.#passRequest(request);
    return true;
  }

  #passRequest({ bytes, start, end, event }: Request): void {
    const answer = this.#answerTo(event);
    const secret = this.#auth.request(event);
    const own = fronts[answer] ?? "";
    const front = own + this.#rulings.prefixOf(event);
    this.#toServer.say(front);
    this.#toServer.pass(bytes, start, end);
    if (this.#observer?.request !== undefined) {
      const line = bytes.toString("latin1", start, end);
      this.#observer.request({ event, line, front: own, sent: front + line, secret });
    }
    if (answer === "start TLS" || (event === "data" && answer === "server")) this.#hearing = "waiting";
    if (event === "bdat" && this.#chunking) {
      // A request with something in front is no BDAT to the server, and the client sends its chunk all the same.
      this.#chunk = { leftOctets: chunkOctets(bytes, start, end), isForServer: front === "" };
      if (this.#chunk.leftOctets > 0) this.#hearing = "chunk";
    }
    this.#queue.push({ event, answer, secret });
  }

  #answerTo(event: string): Answer {
    const level = this.#secured ? "unavailable" : this.#settings.level; // it can be started once
    if (level === "required" && !allowedInClear.has(event)) return "TLS first";
    if (event !== "starttls") return "server";
    return level === "unavailable" ? "no TLS" : "start TLS";
  }

  #message(): void {
    const { bytes, now } = this.#passage.pass(this.#client, this.#toServer);
    this.#observer?.message?.(bytes, now === "has ended");
    if (now === "has ended") this.#hearing = "requests";
    if (now !== "has a bare CR or LF") return;
    // The server never sees the end of this message, so it is not sent.
    this.#queue.clear();
    this.#refuse("bare CR or LF in message");
  }

  #passChunk(): void {
    const { bytes, at, octets } = this.#client;
    const end = at + Math.min(octets, this.#chunk.leftOctets);
    this.#chunk.leftOctets -= end - at;
    if (this.#chunk.leftOctets === 0) this.#hearing = "requests";
    if (this.#chunk.isForServer) this.#toServer.pass(bytes, at, end);
    this.#client.use(end);
    this.#observer?.chunk?.(bytes.subarray(at, end));
  }

  #refuse(why: Refusal): void {
    if (refusals[why].last) this.#hearing = "deaf";
    this.#queue.push({ event: "", answer: why, secret: false });
    this.#answerOurselves();
  }

  /** Gives the answers that do not wait for the server, when it is their turn. */
  #answerOurselves(): void {
    for (;;) {
      const answer = this.#queue.first?.answer;
      if (!isRefusal(answer)) return;
      this.#queue.shift();
      this.#toClient.say(refusals[answer].text);
      this.#observer?.refusal?.(refusals[answer].text);
      if (!refusals[answer].last) continue;
      this.#rulings.ofClientsEnd("");
      this.#next = { do: "stop", exitCode: this.#rulings.exitCode };
      return;
    }
  }

  #reply(reply: Reply): void {
    const expected = this.#queue.shift();
    if (expected === undefined && this.#clientGone) return; // its last words are for nobody
    const { event, answer, secret } = expected ?? unasked;
    switch (answer) {
      case "server":
      case "second greeting": {
        this.#rewrite(event, reply, reply, answer === "second greeting" && hasCode(reply, "2"));
        if (event === "data") this.#hear(hasCode(reply, "354"));
        if (event === "ehlo") this.#chunking = /^250[ -]CHUNKING\s/im.test(textOf(reply));
        if (secret) this.#auth.reply(hasCode(reply, "334"));
        break;
      }
      case "TLS first":
        this.#rewrite(event, reply, replyOf(replies[answer]), false);
        break;
      case "no TLS":
      case "start TLS":
        this.#toClient.say(replies[answer]);
        this.#observer?.reply?.({ event, reply: textOf(reply), shown: undefined, sent: replies[answer] });
        if (answer === "no TLS") break;
        this.#next = { do: "startTls", droppedOctets: this.#client.octets };
        break;
      default:
        answer satisfies Refusal;
    }
    this.#answerOurselves();
  }

  /** Takes `shown`, the reply or what stands for it, through the rules, and on to the client unless it is `hidden`. */
  #rewrite(event: string, reply: Reply, shown: Reply, hidden: boolean): void {
    const ruling = this.#rulings.ofReply(event, shown, this.#secured);
    const text = hidden ? "" : ruling.text;
    if (text !== undefined) this.#toClient.say(text);
    else {
      this.#toClient.pass(shown.bytes, shown.start, shown.end);
      if (shown.bytes[shown.end - 1] !== lf) this.#toClient.say("\r\n");
    }
    if (this.#observer?.reply !== undefined) {
      const seen = hidden ? undefined : textOf(shown);
      this.#observer.reply({ event, reply: textOf(reply), shown: seen, sent: text ?? textOf(shown) });
    }
    if (ruling.stops) this.#next = { do: "stop", exitCode: this.#rulings.exitCode };
  }

  /** After the reply to DATA the client sends the message, or its next request. */
  #hear(message: boolean): void {
    if (this.#hearing !== "waiting") return;
    this.#hearing = message ? "message" : "requests";
    if (!message) return;
    this.#passage = this.#newPassage();
    this.#queue.push({ event: "in_data", answer: "server", secret: false });
  }

  #newPassage(): MessagePassage {
    return new MessagePassage(this.#settings.options?.strictLineEnds ?? false);
  }
}
