/** The replies a session waits for, first in, first out. */

/** Who answers a request, in the end. */
export type Answer =
  /** The server, through the rules. */
  | "server"
  /** As above: the first words of a server that took another's place, which the client does not expect. */
  | "second greeting"
  /** As above: it is told again what the client said to the other. */
  | "second hello"
  /** As above: the DATA that we made of a BDAT. Its 354 is for us. */
  | "open message"
  | "TLS first"
  | "start TLS"
  | "no TLS"
  | "no CHUNKING"
  | OwnAnswer;

/** What we answer ourselves; the server does not see the request. */
export type OwnAnswer = keyof typeof ownAnswers;

export const ownAnswers = {
  "line too long": { text: "500 fixsmtpio: line too long (#5.5.2)\r\n", last: true },
  "too many requests": { text: "421 fixsmtpio: too many commands (#4.7.0)\r\n", last: true },
  "bare CR or LF": { text: "500 fixsmtpio: lines end with CR LF (#5.5.2)\r\n", last: false },
  "bare CR or LF in message": { text: "550 fixsmtpio: bare CR or LF in message (#5.6.0)\r\n", last: true },
  // What follows it could be a message or requests.
  "bad chunk": { text: "501 fixsmtpio: say BDAT and a size in octets (#5.5.4)\r\n", last: true },
  "chunk taken": { text: "250 fixsmtpio: chunk taken (#2.0.0)\r\n", last: false },
  "no message": { text: "503 fixsmtpio: RSET first, the message was refused (#5.5.1)\r\n", last: false },
  "server unready": { text: "451 fixsmtpio: server is not ready for a message (#4.3.0)\r\n", last: false },
  "in message": { text: "503 fixsmtpio: BDAT or RSET comes next (#5.5.1)\r\n", last: false },
  "nothing done": { text: "250 fixsmtpio: nothing done (#2.0.0)\r\n", last: false },
  goodbye: { text: "221 fixsmtpio: goodbye (#2.0.0)\r\n", last: true },
  "cannot forget": {
    text: "421 fixsmtpio: cannot forget half a message, connect again (#4.3.0)\r\n",
    last: true,
  },
} as const;

export const isOwnAnswer = (answer: Answer | undefined): answer is OwnAnswer =>
  answer !== undefined && Object.hasOwn(ownAnswers, answer);

export interface Expected {
  readonly event: string;
  readonly answer: Answer;
  /** The request was part of an AUTH exchange. */
  readonly secret: boolean;
}

/** What the server sees before a request that it is not to obey. To NOOP with any words it says 250. */
export const fronts: Readonly<Partial<Record<Answer, string>>> = {
  "TLS first": "NOOP fixsmtpio STARTTLS FIRST ",
  "start TLS": "NOOP fixsmtpio STARTTLS BEGIN ",
  "no TLS": "NOOP fixsmtpio STARTTLS BLOCK ",
  "no CHUNKING": "NOOP fixsmtpio CHUNKING FIRST ",
};

/** What the client hears in place of the server's words. */
export const replies = {
  "TLS first": "530 Must start TLS first (#5.7.0)\r\n",
  "start TLS": "220 Ready to start TLS (#5.7.0)\r\n",
  "no TLS": "502 unimplemented (#5.5.1)\r\n",
  "no CHUNKING": "502 unimplemented (#5.5.1)\r\n",
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
