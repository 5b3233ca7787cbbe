import type { Request } from "./request.ts";

/** Which requests are part of an AUTH exchange: those who look on are not to see what is in them. */
/** No answer to a challenge looks like these and is worth hiding: base64 has no blanks, and three bytes are no secret. */
const plainVerbs: ReadonlySet<string> = new Set(
  "helo ehlo mail rcpt data quit rset noop vrfy expn help starttls bdat".split(" "),
);

export class AuthExchange {
  /** Requests of it that have no reply yet. */
  #owed = 0;
  /** The server said 334: the client's next line is an answer to that, in most cases. */
  #challenged = false;

  /** Takes the next request. True when it is a part, or some server could take it for one. */
  request({ bytes, start, end, event }: Request): boolean {
    const part =
      ((this.#challenged || this.#owed > 0) && !plainVerbs.has(event)) ||
      event.startsWith("auth") ||
      (event === "" && /^[ \t]*auth/i.test(bytes.toString("latin1", start, end)));
    if (part) this.#owed += 1;
    this.#challenged = false;
    return part;
  }

  /** Takes the reply to a request that was a part. */
  reply(challenges: boolean): void {
    this.#owed -= 1;
    this.#challenged = challenges;
  }
}
