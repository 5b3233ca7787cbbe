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
  /** We do; the server has not seen the request. The session ends with it. */
  | "too long";

export interface Expected {
  readonly event: string;
  readonly answer: Answer;
  /** The request was part of an AUTH exchange. */
  readonly secret: boolean;
}

/** What a server that has no TLS sees before the request itself. To NOOP with any words it says 250. */
export const fronts: Readonly<Record<Answer, string>> = {
  server: "",
  "second greeting": "",
  "TLS first": "NOOP fixsmtpio STARTTLS FIRST ",
  "start TLS": "NOOP fixsmtpio STARTTLS BEGIN ",
  "no TLS": "NOOP fixsmtpio STARTTLS BLOCK ",
  "too long": "",
};

/** What the client hears in place of the server's words. */
export const replies = {
  "TLS first": "530 Must start TLS first (#5.7.0)\r\n",
  "start TLS": "220 Ready to start TLS (#5.7.0)\r\n",
  "no TLS": "502 unimplemented (#5.5.1)\r\n",
  "too long": "500 line too long (#5.5.2)\r\n",
} as const;

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
    return first;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
