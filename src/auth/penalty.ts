/**
 * The book of failures: who guessed wrong, how often, and what it costs now. One book for SMTP and POP3.
 *
 * A failure is written down twice, under the client's network and under the account's name, whether there is such
 * an account or not. Each entry is a score that halves with time. The more of it, the longer the next answer takes;
 * a network with too much is not served until some of it has decayed. An account is never locked: else anybody could
 * lock it. All times are milliseconds since 1970, and given.
 */
import { loopback, networkOf, networks } from "./network.ts";

export interface PenaltyRules {
  /** A score is half as much after so long. */
  readonly halfLifeSeconds: number;
  /** Failures without consequence: passwords are mistyped. */
  readonly freeFailures: number;
  /** The longest wait for an answer, by what it is for. */
  readonly longestDelaySeconds: { readonly network: number; readonly account: number };
  /** A network with this score is turned away. */
  readonly refusalScore: number;
  /** Networks to which nothing of this applies: ourselves, and proxies that many clients come from. */
  readonly exempt: readonly string[];
  /** Entries; beyond, those with the least to lose are forgotten. */
  readonly capacity: number;
}

export const usualRules: PenaltyRules = {
  halfLifeSeconds: 900,
  freeFailures: 3,
  longestDelaySeconds: { network: 16, account: 4 },
  refusalScore: 25,
  exempt: loopback,
  capacity: 100_000,
};

export type Kind = "network" | "account";

/** One line of the book, as it is saved and shown. */
export interface Entry {
  readonly kind: Kind;
  readonly name: string;
  /** At `at`. */
  readonly score: number;
  readonly at: number;
}

interface Tally {
  score: number;
  at: number;
  /** The last wrong credentials, as the caller marks them: the same ones again are no new guess. */
  marks: readonly string[];
}

/** A client with an old password asks again and again; he is no guesser. So many different ones are remembered. */
const rememberedMarks = 4;
/** What has decayed to less than this is forgotten. */
const nothing = 0.05;

export class PenaltyBook {
  readonly #rules: PenaltyRules;
  readonly #exempt: { has(address: string): boolean };
  readonly #tallies: Readonly<Record<Kind, Map<string, Tally>>> = { network: new Map(), account: new Map() };

  constructor(rules: PenaltyRules = usualRules) {
    this.#rules = rules;
    this.#exempt = networks(rules.exempt);
  }

  /**
   * Writes a failure down. `client` is an address, `mark` stands for name and password and tells nobody either
   * (a keyed hash); the same mark again, from the same network, does not count.
   */
  failed(client: string, account: string, mark: string, now: number): void {
    if (this.#exempt.has(client)) return;
    const network = networkOf(client);
    if (network !== undefined) {
      const tally = this.#tally("network", network, now);
      const known = tally.marks.includes(mark);
      tally.marks = [mark, ...tally.marks.filter((each) => each !== mark)].slice(0, rememberedMarks);
      if (known) return;
      tally.score += 1;
    }
    this.#tally("account", account, now).score += 1;
  }

  /** The owner of the account is back, from there: what he mistyped is forgiven. What others tried is not. */
  succeeded(client: string, now: number): void {
    const network = networkOf(client);
    if (network === undefined) return;
    const tally = this.#tallies.network.get(network);
    if (tally === undefined) return;
    // Not all: a guesser who has one account of his own would buy himself guesses with it.
    const score = this.#decayed(tally, now);
    if (score <= this.#rules.freeFailures) this.#tallies.network.delete(network);
  }

  /**
   * How long the next answer to this client, about this account, is to be kept back. Seconds. `pending` answers
   * that the same network still waits for are taken for failures: else it would guess a hundred times at once.
   */
  delaySeconds(client: string, account: string, now: number, pending = 0): number {
    if (this.#exempt.has(client)) return 0;
    const fromThere = this.#scoreOf("network", networkOf(client) ?? "", now) + pending;
    const aboutIt = this.#scoreOf("account", account, now);
    return Math.max(this.#delay("network", fromThere), this.#delay("account", aboutIt));
  }

  /** How long the client is not to be served at all, until enough of its score has decayed. Seconds; 0: served. */
  refusedSeconds(client: string, now: number): number {
    const network = networkOf(client);
    if (network === undefined || this.#exempt.has(client)) return 0;
    const excess = this.#scoreOf("network", network, now) / this.#rules.refusalScore;
    return excess < 1 ? 0 : Math.max(1, this.#rules.halfLifeSeconds * Math.log2(excess));
  }

  /** Strikes out what stands under an address, its network, or an account's name. Returns how many lines. */
  forgive(name: string): number {
    const struck = [
      this.#tallies.network.delete(networkOf(name) ?? name),
      this.#tallies.account.delete(name),
    ];
    return struck.filter(Boolean).length;
  }

  /** All lines with anything left, the heaviest first, with their scores of now. */
  entries(now: number): Entry[] {
    const entries: Entry[] = [];
    for (const kind of ["network", "account"] as const) {
      for (const [name, tally] of this.#tallies[kind]) {
        const score = this.#decayed(tally, now);
        if (score >= nothing) entries.push({ kind, name, score, at: now });
      }
    }
    return entries.sort((a, b) => b.score - a.score);
  }

  /** Takes in what entries() gave before a restart; adds nothing to lines that are there. */
  restore(entries: readonly Entry[]): void {
    for (const { kind, name, score, at } of entries) {
      if (!this.#tallies[kind].has(name)) this.#tallies[kind].set(name, { score, at, marks: [] });
    }
  }

  #delay(kind: Kind, score: number): number {
    const beyond = score - this.#rules.freeFailures;
    if (beyond <= 0) return 0;
    return Math.min(2 ** (beyond - 1) / 2, this.#rules.longestDelaySeconds[kind]);
  }

  #scoreOf(kind: Kind, name: string, now: number): number {
    const tally = this.#tallies[kind].get(name);
    return tally === undefined ? 0 : this.#decayed(tally, now);
  }

  #decayed({ score, at }: Tally, now: number): number {
    // A clock that was set back must not make scores grow.
    return score * 0.5 ** (Math.max(0, now - at) / (this.#rules.halfLifeSeconds * 1000));
  }

  /** The line of a name as of now, made when there is none. It moves to the end: the last to be forgotten. */
  #tally(kind: Kind, name: string, now: number): Tally {
    const tallies = this.#tallies[kind];
    const before = tallies.get(name);
    const tally = before ?? { score: 0, at: now, marks: [] };
    tally.score = this.#decayed(tally, now);
    tally.at = now;
    tallies.delete(name);
    if (tallies.size >= this.#rules.capacity) this.#makeRoom(tallies, now);
    tallies.set(name, tally);
    return tally;
  }

  /** Of the lines that were quiet for longest, the lightest goes: a flood of names must not wash out a guesser. */
  #makeRoom(tallies: Map<string, Tally>, now: number): void {
    let lightest: { name: string; score: number } | undefined;
    let looked = 0;
    for (const [name, tally] of tallies) {
      const score = this.#decayed(tally, now);
      if (lightest === undefined || score < lightest.score) lightest = { name, score };
      if (score < nothing || ++looked === 16) break;
    }
    if (lightest !== undefined) tallies.delete(lightest.name);
  }
}
