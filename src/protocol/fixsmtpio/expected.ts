/** The replies a session waits for, first in, first out. */

/** Who answers a request, in the end. */
export type Answer =
  /** The server, through the rules. */
  | "server"
  /** As above: the first words of a server started within TLS, which the client does not expect. */
  | "second greeting"
  | "TLS first"
  | "start TLS"
  | "no TLS"
  | Refusal;

/** What we answer ourselves; the server does not see the request. */
export type Refusal = keyof typeof refusals;

export const refusals = {
  "line too long": { text: "500 fixsmtpio: line too long (#5.5.2)\r\n", last: true },
  "too many requests": { text: "421 fixsmtpio: too many commands (#4.7.0)\r\n", last: true },
  "bare CR or LF": { text: "500 fixsmtpio: lines end with CR LF (#5.5.2)\r\n", last: false },
  "bare CR or LF in message": { text: "550 fixsmtpio: bare CR or LF in message (#5.6.0)\r\n", last: true },
} as const;

export const isRefusal = (answer: Answer | undefined): answer is Refusal =>
  answer !== undefined && Object.hasOwn(refusals, answer);

export interface Expected {
  readonly event: string;
  readonly answer: Answer;
  /** The request was part of an AUTH exchange. */
  readonly secret: boolean;
}

/** What a server that has no TLS sees before the request itself. To NOOP with any words it says 250. */
export const fronts: Readonly<Partial<Record<Answer, string>>> = {
  "TLS first": "NOOP fixsmtpio STARTTLS FIRST ",
  "start TLS": "NOOP fixsmtpio STARTTLS BEGIN ",
  "no TLS": "NOOP fixsmtpio STARTTLS BLOCK ",
};

/** What the client hears in place of the server's words. */
export const replies = {
  "TLS first": "530 Must start TLS first (#5.7.0)\r\n",
  "start TLS": "220 Ready to start TLS (#5.7.0)\r\n",
  "no TLS": "502 unimplemented (#5.5.1)\r\n",
} as const;

/** So many that are done with are kept before the others move up. */
const maximumDone = 1000;

export class Queue {
  #items: Expected[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  get first(): Expected | undefined {
    return this.#items[this.#head];
  }

  push(expected: Expected): void {
    this.#items.push(expected);
  }

  shift(): Expected | undefined {
    const first = this.#items[this.#head];
    if (first === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) this.clear();
    else if (this.#head === maximumDone) {
      // A client that always has one more request under way would make it grow for ever.
      this.#items = this.#items.slice(maximumDone);
      this.#head = 0;
    }
    return first;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
