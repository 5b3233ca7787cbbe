/**
 * What the load generator is told, and what it tells. It is a process of its own, on a core of its own, in C: encode.ts
 * writes the plan for it, and what it tells is JSON.
 */

/** One step of a session. Every reply is checked: a session that hears anything else has failed. */
export type Step =
  /** The next reply has this beginning: `220`, `+OK`. Of several lines the last counts. */
  | { readonly expect: string }
  /** The same, after the bytes of `send` (latin1) have been written. `or`: another good beginning. */
  | { readonly send: string; readonly expect: string; readonly or?: string }
  /** `times` lines at once, and as many replies, each with this beginning. */
  | { readonly pipeline: string; readonly times: number; readonly expect: string }
  /** A POP3 command, and a multi-line response of at least so many octets that ends like this (latin1, without the last dot). */
  | { readonly retrieve: string; readonly endsWith: string; readonly octets: number }
  /** The content that the plan names, dot-stuffed and ended, and the reply. */
  | { readonly message: true; readonly expect: string }
  /** The handshake. */
  | { readonly tls: true }
  /** The server says no more and closes, or resets the connection. */
  | { readonly end: true };

export interface Plan {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte. */
  readonly implicitTls: boolean;
  readonly steps: readonly Step[];
  /** Octets of each message. */
  readonly messageOctets: number;
  /** Sessions at once. */
  readonly clients: number;
  /** No session begins after so many seconds, or when there were so many, or after ten failures. */
  readonly seconds: number;
  readonly sessions?: number;
  /** A session that heard nothing for so long has failed. */
  readonly silenceSeconds?: number;
  /**
   * All sessions stay open after their last step, four at a time begin. When all are there it says `open`, a line of its
   * own, and waits for more input, or its end, before it drops them. One that hears more meanwhile, or is closed, has failed.
   */
  readonly hold?: boolean;
}

export interface Told {
  readonly sessions: number;
  readonly seconds: number;
  /** Of the load generator itself: where it comes near the seconds, it is what was measured. */
  readonly cpuSeconds: number;
  /** From the connection's first packet to the last reply. Milliseconds. */
  readonly latency: { readonly median: number; readonly p99: number };
  readonly failures: number;
  /** What was heard, and at which step. */
  readonly firstFailure?: string | undefined;
}
