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
import { Chunking } from "./chunking.ts";
import { type Answer, type Expected, fronts, type OwnAnswer, replies } from "./expected.ts";
import { MessagePassage } from "./message-passage.ts";
import { hasCode, type Reply, ReplyReader, replyOf } from "./reply.ts";
import { type Request, RequestReader } from "./request.ts";
import type { Observer, Settings } from "./settings.ts";
import { type Outcome, Talk } from "./talk.ts";
import { Unread } from "./unread.ts";

export type { Next, Outcome } from "./talk.ts";

/** The requests before STARTTLS that a server behind `UCSPITLS=!` gets to see. */
const allowedInClear: ReadonlySet<string> = new Set(["noop", "ehlo", "starttls", "quit"]);

/** More unanswered requests than this are not read: a client cannot make us remember without end. */
const maximumQueue = 1000;

/** More servers than this are not started because a client changed its mind within a message. */
const maximumServers = 20;

const quiet: Outcome = { toServer: undefined, toClient: undefined, next: undefined };
/** What a reply answers that nobody asked for: the server ends the session, in most cases for the client's silence. */
const unasked: Expected = { event: "timeout", answer: "server", secret: false };

export class Conversation {
  readonly #talk: Talk;
  readonly #client = new Unread();
  readonly #requests: RequestReader;
  readonly #server = new ReplyReader();
  readonly #chunking: Chunking;
  #passage: MessagePassage;
  #auth = new AuthExchange();
  #held = false;
  #clientGone = false;
  #servers = 1;
  /** The next server is to be told what the client said first. */
  #retells = false;
  /** The client's last EHLO or HELO, as it went on. */
  #hello = "";
  /** The server knows what another would not: a password, another client's address. */
  #unique = false;

  constructor(settings: Settings, observer?: Observer) {
    this.#talk = new Talk(settings, observer);
    this.#requests = new RequestReader(this.#client, settings.options ?? {});
    this.#chunking = new Chunking(this.#talk, this.#client);
    this.#passage = new MessagePassage(this.#talk.isStrict);
    this.#talk.expect("greeting", "server");
  }

  /** True when more bytes of the client can be used now. Else they are not to be read. */
  get hearsClient(): boolean {
    const { next, hearing, queue } = this.#talk;
    return next === undefined && hearing !== "waiting" && hearing !== "deaf" && queue.length < maximumQueue;
  }

  /** True when bytes of the client lie here that could not be used when they came: `resume` is to be called. */
  get holds(): boolean {
    return this.#held;
  }

  /** True when the server is to end, and another to start: `serverStarted` is to be called. */
  get needsServer(): boolean {
    return this.#talk.next?.do === "startAnew";
  }

  /** The exit code a rule gave, if one did. */
  get exitCode(): number | undefined {
    return this.#talk.rulings.exitCode;
  }

  fromClient(chunk: Uint8Array): Outcome {
    this.#client.push(chunk);
    return this.resume();
  }

  /** Uses what the client sent before it could be used. */
  resume(): Outcome {
    while (this.hearsClient && this.#client.octets > 0) {
      if (this.#talk.hearing === "message") this.#passMessage();
      else if (this.#talk.hearing === "chunk") this.#chunking.pass();
      else if (!this.#nextRequest()) break;
    }
    this.#held = this.#client.octets > 0 && !this.hearsClient;
    return this.#talk.outcome();
  }

  /** The client is gone. The server is to see that; replies it still owes are passed on. */
  clientEnded(): Outcome {
    const { hearing, observer, rulings, queue } = this.#talk;
    this.#clientGone = true;
    observer?.clientEnded?.();
    rulings.ofClientsEnd(
      hearing === "requests" ? this.#client.bytes.toString("latin1", this.#client.at) : "",
    );
    // A message without its end was not sent, whatever the server makes of it.
    if (hearing === "message" || hearing === "chunk") queue.clear();
    this.#talk.hearing = "deaf";
    return this.#talk.outcome();
  }

  /** After a `next` what the server says is dropped. */
  fromServer(chunk: Uint8Array): Outcome {
    if (this.#talk.next !== undefined) return quiet;
    this.#server.push(chunk);
    while (this.#talk.next === undefined) {
      const reply = this.#server.next();
      if (reply !== undefined) this.#reply(reply);
      else if (this.#server.tooLong) this.#talk.next = { do: "giveUp" };
      else break;
    }
    return this.#talk.outcome();
  }

  /** The server is gone. What it said last counts, also without its end. */
  serverEnded(): Outcome {
    const rest = this.#server.rest();
    const answer = this.#talk.queue.first?.answer ?? "server";
    if (this.#talk.next === undefined && rest !== undefined && answer === "server") this.#reply(rest);
    if (this.#talk.next === undefined) this.#chunking.serverEnded();
    return this.#talk.outcome();
  }

  /** TLS is there, and a new server: all that was said in clear is forgotten. RFC 3207 §4.2 */
  tlsStarted(): void {
    this.#talk.observer?.tlsStarted?.();
    this.#talk.secured = true;
    this.#talk.hearing = "requests";
    this.#held = false;
    this.#chunking.forget(true);
    this.#talk.rulings.askAnew(); // there are new variables
    this.#client.forget();
    this.#meetServer();
  }

  /** There is another server, as `startAnew` wants. It is told what the client said first, then the client goes on. */
  serverStarted(): void {
    this.#talk.observer?.serverStarted?.();
    this.#chunking.forget(false);
    this.#retells = true;
    this.#servers += 1;
    this.#meetServer();
  }

  #meetServer(): void {
    this.#auth = new AuthExchange();
    this.#unique = false;
    this.#server.forget();
    this.#talk.meetServer();
  }

  /** Takes one request. False when there is no whole one. */
  #nextRequest(): boolean {
    const request = this.#requests.next();
    if (request === undefined) return false;
    if (typeof request === "string") this.#talk.answer(request);
    else {
      const answer = this.#answerTo(request.event);
      const how = answer === "TLS first" ? "pass" : this.#chunking.request(request);
      if (how === "pass") this.#passRequest(request, answer);
      else if (how === "not offered") this.#passRequest(request, "no CHUNKING");
      else if (how === "needs another server") this.#startAnew(request);
    }
    return true;
  }

  #passRequest(request: Request, answer: Answer): void {
    const { bytes, start, end, event } = request;
    const { rulings, toServer, observer } = this.#talk;
    const secret = this.#auth.request(request);
    const front = fronts[answer] ?? "";
    const prefix = rulings.prefixOf(event);
    toServer.say(front + prefix);
    toServer.pass(bytes, start, end);
    if (observer?.request !== undefined) {
      const line = bytes.toString("latin1", start, end);
      observer.request({ event, line, front, prefix, passed: line, secret });
    }
    this.#talk.expect(event, answer, secret);
    const decides = answer === "start TLS" || (answer === "server" && (event === "data" || event === "ehlo"));
    if (decides) this.#talk.hearing = "waiting";
    if (event === "ehlo" || event === "helo") this.#hello = prefix + bytes.toString("latin1", start, end);
    if (event === "bdat") this.#chunking.passed(request, front + prefix === "");
  }

  #answerTo(event: string): Answer {
    const level = this.#talk.secured ? "unavailable" : this.#talk.settings.level; // it can be started once
    if (level === "required" && !allowedInClear.has(event)) return "TLS first";
    if (event !== "starttls") return "server";
    return level === "unavailable" ? "no TLS" : "start TLS";
  }

  /** Only another server can forget what this one was told of a message. The request is for that one. */
  #startAnew(request: Request): void {
    if (this.#unique || this.#servers === maximumServers) {
      this.#talk.keep(request);
      this.#talk.answer("cannot forget");
      return;
    }
    this.#requests.putBack(request);
    this.#talk.hearing = "waiting";
    this.#talk.next = { do: "startAnew" };
  }

  #passMessage(): void {
    const { bytes, now } = this.#passage.pass(this.#client, this.#talk.toServer);
    this.#talk.observer?.message?.(bytes, now === "has ended");
    if (now === "has ended") this.#talk.hearing = "requests";
    if (now === "has a bare CR or LF") this.#talk.refuseMessage();
  }

  #reply(reply: Reply): void {
    const talk = this.#talk;
    const expected = talk.queue.shift();
    if (expected === undefined && this.#clientGone) return; // its last words are for nobody
    if (expected === undefined && this.#chunking.replyUnasked(reply)) return;
    const { event, answer, secret } = expected ?? unasked;
    switch (answer) {
      case "server": {
        const told = talk.pass(event, reply);
        if (event === "data") this.#replyToData(hasCode(reply, "354"));
        if (event === "ehlo") this.#replyToEhlo(reply, told);
        if (secret) this.#auth.reply(hasCode(reply, "334"));
        this.#unique ||= (secret && hasCode(reply, "235")) || (event === "xclient" && hasCode(reply, "2"));
        break;
      }
      case "second greeting":
        this.#greetedAgain(event, reply);
        break;
      case "second hello":
        talk.replace(event, reply);
        if (!hasCode(reply, "2")) talk.answer("cannot forget");
        else if (talk.hearing === "waiting") talk.hearing = "requests";
        break;
      case "open message":
        this.#chunking.replyToData(event, reply);
        break;
      case "TLS first":
      case "no CHUNKING":
        talk.pass(event, reply, replyOf(replies[answer]));
        break;
      case "no TLS":
        talk.replace(event, reply, replies[answer]);
        break;
      case "start TLS":
        talk.replace(event, reply, replies[answer]);
        talk.next = { do: "startTls", droppedOctets: this.#client.octets };
        break;
      default:
        answer satisfies OwnAnswer;
    }
    talk.answerOurselves();
  }

  /** The first words of another server: the client hears them when they are bad news. */
  #greetedAgain(event: string, reply: Reply): void {
    const talk = this.#talk;
    const isGood = hasCode(reply, "2");
    if (isGood) talk.replace(event, reply);
    else talk.pass(event, reply);
    // In TLS the client begins anew by itself, and may not have waited for this.
    const retells = this.#retells && talk.hearing === "waiting";
    this.#retells = false;
    if (!retells) return;
    if (isGood) talk.request("ehlo", "", this.#hello, "second hello");
    else talk.hearing = "requests";
  }

  /** Whether octets can follow BDAT is known now: nobody may say one behind EHLO in the same breath (RFC 2920 §3.1). */
  #replyToEhlo(reply: Reply, told: string | undefined): void {
    this.#chunking.offered(reply, told);
    if (this.#talk.hearing === "waiting") this.#talk.hearing = "requests";
  }

  /** After the reply to DATA the client sends the message, or its next request. */
  #replyToData(isMessage: boolean): void {
    if (this.#talk.hearing !== "waiting") return;
    this.#talk.hearing = isMessage ? "message" : "requests";
    if (!isMessage) return;
    this.#passage = new MessagePassage(this.#talk.isStrict);
    this.#talk.expect("in_data", "server");
  }
}
