/** The options of s6-tlsd-io, and of s6-tlsd and s6-ucspitlsd, which pass them on to it. */
import { getopt, numberOf } from "../getopt.ts";

export interface TlsOptions {
  /** 0 quiet, 1 normal, 2 each session. */
  readonly verbosity: number;
  /** For the handshake (-K). */
  readonly handshakeSeconds: number;
  /** 0: one certificate. 1: others by the name a client asks for. 2: only those. */
  readonly sniLevel: number;
  readonly clients: "unasked" | "optional" | "mandatory";
  /** -J: a client that goes without goodbye is an error. */
  readonly goodbyeWanted: boolean;
  /** -z: the next program does not see where the key is. */
  readonly clean: boolean;
  /** -d: the descriptor on which the session is described. */
  readonly notify: number | undefined;
  /** The options that s6-tlsd-io takes, as they were given. */
  readonly passedOn: readonly string[];
  readonly rest: readonly string[];
}

/** A client that says nothing may not keep a process for ever: without -K, as sslserver. `-K 0` is as long as it takes. */
const usualHandshakeSeconds = 26;
const noLimitSeconds = 2_000_000;

const common = "SsJjYyv:K:k:";
export const ioLetters = `${common}d:`;
export const offerLetters = `${common}Zz`;

/** Throws Misused. */
export function tlsOptions(words: readonly string[], letters: string): TlsOptions {
  const { given, rest } = getopt(words, letters);
  let options: Omit<TlsOptions, "passedOn" | "rest"> = {
    verbosity: 1,
    handshakeSeconds: usualHandshakeSeconds,
    sniLevel: 0,
    clients: "unasked",
    goodbyeWanted: false,
    clean: true,
    notify: undefined,
  };
  for (const one of given) {
    const { letter } = one;
    if (letter === "v") options = { ...options, verbosity: numberOf(one) };
    else if (letter === "K")
      options = { ...options, handshakeSeconds: numberOf(one) / 1000 || noLimitSeconds };
    else if (letter === "k") options = { ...options, sniLevel: numberOf(one) };
    else if (letter === "d") options = { ...options, notify: numberOf(one) };
    else options = { ...options, ...plain.get(letter) };
  }
  const passed = given.filter(({ letter }) => ioLetters.includes(letter));
  return { ...options, passedOn: passed.map(({ letter, value }) => `-${letter}${value}`), rest };
}

const plain: ReadonlyMap<string, Partial<TlsOptions>> = new Map<string, Partial<TlsOptions>>([
  ["S", {}], // each side of TLS is closed with close_notify, whatever is asked for: nothing can be cut off unseen
  ["s", {}],
  ["J", { goodbyeWanted: true }],
  ["j", { goodbyeWanted: false }],
  ["Y", { clients: "optional" }],
  ["y", { clients: "mandatory" }],
  ["Z", { clean: false }],
  ["z", { clean: true }],
]);
