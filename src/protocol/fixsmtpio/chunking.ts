/**
 * BDAT, RFC 3030: octets that are counted instead of lines up to a dot. When the server has CHUNKING they pass it by;
 * when it has not, and we were asked to offer it, the chunks of a message become one DATA.
 */
import { ChunkedMessage } from "./chunked-message.ts";
import { ownAnswers } from "./expected.ts";
import { hasCode, type Reply, replyOf, textOf } from "./reply.ts";
import type { Request } from "./request.ts";
import type { Talk } from "./talk.ts";
import type { Unread } from "./unread.ts";

/** What a BDAT announces. */
interface Chunk {
  readonly octets: number;
  readonly isLast: boolean;
}

const space = 0x20;

/** Would any server take it for BDAT? Some skip blanks, of any kind. */
function seemsBdat({ bytes, start, end, event }: Request): boolean {
  const isLikely = event.startsWith("bdat") || bytes[start]! <= space;
  return isLikely && /^\s*bdat\s/i.test(bytes.toString("latin1", start, end));
}

/** Some servers count to here and begin again. */
const maximumOctets = 0x7fffffff;

/** Reads a BDAT request; undefined when it is not one that every server reads in the same way. */
export function chunkOf({ bytes, start, end }: Pick<Request, "bytes" | "start" | "end">): Chunk | undefined {
  const [, size, last] =
    /^BDAT +([0-9]{1,10})( +LAST)? *\r?\n$/i.exec(bytes.toString("latin1", start, end)) ?? [];
  if (size === undefined || Number(size) > maximumOctets) return undefined;
  return { octets: Number(size), isLast: last !== undefined };
}

const offer = /^250[ -]CHUNKING\s/im;

/** What makes a server forget a message. */
const resets: ReadonlySet<string> = new Set(["rset", "ehlo", "helo"]);

/** How a message in chunks stands with a server that gets it as DATA. */
type Stage =
  /** None was begun. */
  | "none"
  /** DATA was said, its reply has not come. */
  | "asked"
  /** The server takes lines, up to the dot. */
  | "open"
  /** The server did not want it: its other chunks are for nobody. */
  | "refused"
  /** The server has replied before the end. What it makes of more, only the next one knows. */
  | "lost";

export class Chunking {
  readonly #talk: Talk;
  readonly #client: Unread;
  /** Whose BDAT the client was told of, if anybody's. */
  #offeredBy: "server" | "us" | undefined;
  #stage: Stage = "none";
  #message: ChunkedMessage;
  #left = 0;
  #isLast = false;
  #goes: "as it is" | "as lines" | "nowhere" = "nowhere";
  /** What is to be said to the chunk was said, or will be by the server. */
  #isAnswered = false;
  /** The server's reply to the message, which came when the client waited for none. */
  #early: Reply | undefined;

  constructor(talk: Talk, client: Unread) {
    this.#talk = talk;
    this.#client = client;
    this.#message = new ChunkedMessage(talk.isStrict);
  }

  /** Takes a reply to EHLO: what the server said, and what the client was told. */
  offered(reply: Reply, told: string | undefined): void {
    if (offer.test(textOf(reply))) this.#offeredBy = "server";
    else this.#offeredBy = told !== undefined && offer.test(told) ? "us" : undefined;
  }

  /** There is another server. `isHeard`: the client has to say EHLO to it. */
  forget(isHeard: boolean): void {
    if (isHeard) this.#offeredBy = undefined;
    this.#stage = "none";
    this.#early = undefined;
  }

  /** The client has said BDAT to the server, which hears it as it was said or with something in front. */
  passed(request: Request, asItIs: boolean): void {
    // A request with something in front is no BDAT to the server, and the client sends its chunk all the same.
    this.#expect(chunkOf(request) ?? { octets: 0, isLast: false }, asItIs ? "as it is" : "nowhere", true);
  }

  /**
   * Takes a request that has to do with BDAT. "pass": it is for the server. "not offered": it, and its octets, are not.
   */
  request(request: Request): "taken" | "pass" | "not offered" | "needs another server" {
    const { event } = request;
    if (seemsBdat(request)) {
      const chunk = chunkOf(request);
      const isOurs = this.#offeredBy === "us" && (this.#stage !== "none" || !this.#hasPrefix(event));
      if (chunk !== undefined && this.#offeredBy === undefined) return "not offered";
      if (chunk !== undefined && !isOurs) return "pass";
      this.#talk.keep(request);
      // A server that reads another length in it would find requests where we saw none.
      if (chunk === undefined) this.#talk.answer("bad chunk");
      else this.#take(chunk);
      return "taken";
    }
    if (this.#stage !== "open" && this.#stage !== "lost") {
      if (this.#stage !== "none" && (event === "mail" || resets.has(event))) this.#stage = "none";
      if (event === "helo") this.#offeredBy = undefined; // a session without extensions
      return "pass";
    }
    // The server is within DATA: it would take these for lines of the message.
    if (resets.has(event)) return "needs another server";
    this.#talk.keep(request);
    this.#talk.answer(event === "noop" ? "nothing done" : event === "quit" ? "goodbye" : "in message");
    return "taken";
  }

  #hasPrefix(event: string): boolean {
    return this.#talk.rulings.prefixOf(event) !== "";
  }

  #take(chunk: Chunk): void {
    const talk = this.#talk;
    if (this.#stage === "none") {
      this.#stage = "asked";
      this.#left = chunk.octets;
      this.#isLast = chunk.isLast;
      talk.hearing = "waiting";
      talk.request("data", talk.rulings.prefixOf("data"), "DATA\r\n", "open message");
    } else if (this.#stage !== "open") this.#expect(chunk, "nowhere", false);
    else if (this.#early === undefined) this.#expect(chunk, "as lines", false);
    else {
      talk.pass("in_data", this.#early);
      this.#early = undefined;
      this.#stage = "lost";
      this.#expect(chunk, "nowhere", true);
    }
  }

  /** Takes the reply to the DATA that stands for a BDAT. */
  replyToData(event: string, reply: Reply): void {
    const talk = this.#talk;
    if (hasCode(reply, "354")) {
      talk.replace(event, reply);
      this.#stage = "open";
      this.#message = new ChunkedMessage(talk.isStrict);
      this.#goes = "as lines";
      this.#isAnswered = false;
    } else {
      const isRefusal = hasCode(reply, "4") || hasCode(reply, "5");
      talk.pass(event, reply, isRefusal ? reply : replyOf(ownAnswers["server unready"].text));
      this.#refused("refused");
    }
    if (talk.hearing === "waiting") this.#hear();
  }

  /** Takes a reply that no request waits for. False when it has nothing to do with a message in chunks. */
  replyUnasked(reply: Reply): boolean {
    if (this.#stage === "lost") return true; // it has said what it had to say
    if (this.#stage !== "open") return false;
    if (this.#talk.hearing !== "chunk") this.#early ??= reply;
    else {
      this.#talk.pass("in_data", reply);
      this.#refused("lost");
    }
    return true;
  }

  /** The server is gone. What it said last was no answer to a chunk, then. */
  serverEnded(): void {
    if (this.#early !== undefined) this.#talk.pass("timeout", this.#early);
    this.#early = undefined;
  }

  #refused(stage: Stage): void {
    this.#stage = stage;
    this.#goes = "nowhere";
    this.#isAnswered = true;
  }

  #expect({ octets, isLast }: Chunk, goes: "as it is" | "as lines" | "nowhere", isAnswered: boolean): void {
    this.#left = octets;
    this.#isLast = isLast;
    this.#goes = goes;
    this.#isAnswered = isAnswered;
    this.#hear();
  }

  /** Passes on what there is of the chunk. */
  pass(): void {
    const { bytes, at, octets } = this.#client;
    const { toServer, observer } = this.#talk;
    const end = at + Math.min(octets, this.#left);
    this.#left -= end - at;
    this.#client.use(end);
    let isFine = true;
    if (this.#goes === "as it is") toServer.pass(bytes, at, end);
    else if (this.#goes === "as lines") isFine = this.#message.pass(bytes, at, end, toServer);
    observer?.chunk?.(bytes.subarray(at, end));
    if (isFine) this.#hear();
    else this.#talk.refuseMessage();
  }

  /** The client's next bytes are of the chunk, until it is complete. */
  #hear(): void {
    const talk = this.#talk;
    talk.hearing = this.#left > 0 ? "chunk" : "requests";
    if (this.#left > 0 || this.#isAnswered) return;
    if (this.#goes === "nowhere") talk.answer("no message");
    else if (!this.#isLast) talk.answer("chunk taken");
    else if (this.#message.end(talk.toServer)) {
      this.#stage = "none";
      talk.observer?.chunksEnded?.();
      talk.expect("in_data", "server");
    } else talk.refuseMessage();
  }
}
