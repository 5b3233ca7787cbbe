/**
 * The conversation: what fixsmtpio, between a client and a server, makes of the bytes of either side.
 *
 *     client ──requests──▶ prefixes ──────────────▶ server
 *            ◀─────────── rules by event ◀──replies──
 *
 * Each request puts its event into a queue, each reply takes the first one out: so pipelined requests meet their own
 * replies. It knows nothing of sockets and processes: it is given bytes, and says what to write and what to do.
 */
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
import { LineEnds } from "./line-ends.ts";
import { MessageScanner } from "./message.ts";
import { hasCode, linesOf, type Reply, ReplyReader, replyOf, textOf } from "./reply.ts";
import { chunkOctets, eventOf, maximumRequestOctets } from "./request.ts";
import { type Rewritten, rewriteReply, type Step } from "./rewrite.ts";
import { type Applicable, nothing } from "./rule-set.ts";
import { type Observer, type Options, type Settings, surroundingsOf } from "./settings.ts";
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
const untouched: Rewritten = { text: undefined, exitCode: undefined };

export class Conversation {
  readonly #settings: Settings;
  readonly #observer: Observer | undefined;
  #secured = false;
  #hearing: Hearing = "requests";
  #held = false;
  #clientGone = false;
  /** Requests of an AUTH exchange that have no reply yet. */
  #secrets = 0;
  /** The server said 334: the client's next line is an answer to that, in most cases. */
  #challenged = false;
  #exitCode: number | undefined;
  #next: Next | undefined;
  #scanner = new MessageScanner();
  #lineEnds = new LineEnds();
  #requests = 0;
  /** The server's last reply to EHLO offered BDAT. */
  #chunking = false;
  #chunk = { leftOctets: 0, isForServer: true };
  readonly #options: Options;
  readonly #queue = new Queue();
  readonly #applicable = new Map<string, Applicable>();
  readonly #client = new Unread();
  readonly #server = new ReplyReader();
  readonly #toServer = new Outgoing();
  readonly #toClient = new Outgoing();

  constructor(settings: Settings, observer?: Observer) {
    this.#settings = settings;
    this.#observer = observer;
    this.#options = settings.options ?? {};
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
    return this.#exitCode;
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
    this.#endOfClient(text);
    // A message without its end was not sent, whatever the server makes of it.
    if (this.#hearing === "message" || this.#hearing === "chunk") this.#queue.clear();
    this.#hearing = "deaf";
    return this.#outcome();
  }

  /** What the rules say of a session that the client, or we, ended; `text` is the request that was not finished. */
  #endOfClient(text: string): void {
    for (const rule of this.#applying("clienteof").rules) {
      if (!rule.glob.matches(text)) continue;
      this.#exitCode = rule.exitCode ?? this.#exitCode;
      this.#observer?.rule?.({ rule, index: 0, original: text, before: text, after: text });
    }
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
    this.#secrets = 0;
    this.#challenged = false;
    this.#next = undefined;
    this.#applicable.clear(); // there are new variables
    this.#client.forget();
    this.#server.forget();
    this.#queue.clear();
    this.#queue.push({ event: "greeting", answer: "second greeting", secret: false });
  }

  #outcome(): Outcome {
    return { toServer: this.#toServer.take(), toClient: this.#toClient.take(), next: this.#next };
  }

  /** Takes one request line. False when there is no whole one. */
  #request(): boolean {
    const { bytes, at } = this.#client;
    const end = this.#client.lineEnd(at);
    const octets = (end === -1 ? bytes.length : end) - at;
    if (octets > (this.#options.maximumRequestOctets ?? maximumRequestOctets)) {
      this.#refuse("line too long");
      return true;
    }
    if (end === -1) return false;
    this.#requests += 1;
    if (this.#requests > (this.#options.maximumRequests ?? Number.POSITIVE_INFINITY)) {
      this.#refuse("too many requests");
      return true;
    }
    this.#client.use(end);
    if (this.#options.strictLineEnds && new LineEnds().firstBad(bytes, at, end) !== undefined) {
      this.#refuse("bare CR or LF");
      return true;
    }
    const event = eventOf(bytes, at, end);
    const answer = this.#answerTo(event);
    const secret = this.#challenged || this.#secrets > 0 || event === "auth";
    const front = (fronts[answer] ?? "") + this.#applying(event).prefix;
    this.#toServer.say(front);
    this.#toServer.pass(bytes, at, end);
    if (this.#observer?.request !== undefined) {
      const line = bytes.toString("latin1", at, end);
      const own = fronts[answer] ?? "";
      this.#observer.request({ event, line, front: own, sent: front + line, secret });
    }
    if (secret) this.#secrets += 1;
    this.#challenged = false;
    if (answer === "start TLS" || (event === "data" && answer === "server")) this.#hearing = "waiting";
    if (event === "bdat" && this.#chunking) {
      // A request with something in front is no BDAT to the server, and the client sends its chunk all the same.
      this.#chunk = { leftOctets: chunkOctets(bytes, at, end), isForServer: front === "" };
      if (this.#chunk.leftOctets > 0) this.#hearing = "chunk";
    }
    this.#queue.push({ event, answer, secret });
    return true;
  }

  #answerTo(event: string): Answer {
    const level = this.#secured ? "unavailable" : this.#settings.level; // it can be started once
    if (level === "required" && !allowedInClear.has(event)) return "TLS first";
    if (event !== "starttls") return "server";
    return level === "unavailable" ? "no TLS" : "start TLS";
  }

  /** Passes on what belongs to the message. */
  #message(): void {
    const { bytes, at } = this.#client;
    const { dotsBefore, end } = this.#scanner.scan(bytes, at);
    const whole = end ?? bytes.length;
    const bad = this.#options.strictLineEnds ? this.#lineEnds.firstBad(bytes, at, whole) : undefined;
    const stop = bad ?? whole;
    let from = at;
    for (const place of dotsBefore) {
      if (place > stop) break;
      this.#toServer.pass(bytes, from, place);
      this.#toServer.say(".");
      from = place;
    }
    this.#toServer.pass(bytes, from, stop);
    this.#client.use(stop);
    const ended = bad === undefined && end !== undefined;
    this.#observer?.message?.(bytes.subarray(at, stop), ended);
    if (ended) this.#hearing = "requests";
    if (bad === undefined) return;
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
      this.#endOfClient("");
      this.#next = { do: "stop", exitCode: this.#exitCode };
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
        if (!secret) break;
        this.#secrets -= 1;
        this.#challenged = hasCode(reply, "334");
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
    const { rules } = this.#applying(event);
    const noRules = rules.length === 0 && !(this.#options.hidesExtensions && event === "ehlo");
    const observer = this.#observer;
    const note = observer?.rule && ((step: Step) => observer.rule?.(step));
    const rewritten = noRules
      ? untouched
      : rewriteReply(event, linesOf(shown), rules, surroundingsOf(this.#settings, this.#secured), note);
    const text = hidden ? "" : rewritten.text;
    if (text !== undefined) this.#toClient.say(text);
    else {
      this.#toClient.pass(shown.bytes, shown.start, shown.end);
      if (shown.bytes[shown.end - 1] !== lf) this.#toClient.say("\r\n");
    }
    if (observer?.reply !== undefined) {
      const seen = hidden ? undefined : textOf(shown);
      observer.reply({ event, reply: textOf(reply), shown: seen, sent: text ?? textOf(shown) });
    }
    if (rewritten.exitCode !== undefined) {
      this.#exitCode = rewritten.exitCode;
      this.#next = { do: "stop", exitCode: rewritten.exitCode };
    }
  }

  #applying(event: string): Applicable {
    let found = this.#applicable.get(event);
    if (found === undefined) {
      found = this.#settings.rules.applying(event, this.#settings.has);
      if (found !== nothing) this.#applicable.set(event, found);
    }
    return found;
  }

  /** After the reply to DATA the client sends the message, or its next request. */
  #hear(message: boolean): void {
    if (this.#hearing !== "waiting") return;
    this.#hearing = message ? "message" : "requests";
    if (!message) return;
    this.#scanner = new MessageScanner();
    this.#lineEnds = new LineEnds();
    this.#queue.push({ event: "in_data", answer: "server", secret: false });
  }
}
