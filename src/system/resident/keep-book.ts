/** Keeps a book of failures on disk, and does what `acceptutils penalty forgive` asks for. */
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { loopback, networks } from "../../auth/network.ts";
import type { PenaltyBook } from "../../auth/penalty.ts";
import { listOf } from "../../control/control.ts";
import { readFileCached } from "../files.ts";
import { readPenalties, takeForgiven, writePenalties } from "../home/penalties.ts";

const lookEveryMs = 1000;
/** The file is written and flushed as a whole: not more often than this, however fast guesses come. */
const writeEveryMs = 5000;
/** Lines that are worth a place on disk. */
const worthScore = 0.5;
const mostLines = 10_000;

/**
 * control/penaltyexempt: networks that are never kept waiting, one on each line, such as a proxy that all clients
 * come through. When there is no such file: the addresses of this host. Always: loopback.
 */
export function exemptIn(home: string, log: (line: string) => void): readonly string[] {
  const ours = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const usual = [...loopback, ...ours.map(({ address }) => address)];
  try {
    const bytes = readFileCached(join(home, "control", "penaltyexempt"));
    if (bytes === undefined) return usual;
    const list = listOf(Buffer.from(bytes).toString("latin1")).map((line) => line.replace(/\r$/, ""));
    networks(list);
    return [...loopback, ...list];
  } catch (error) {
    log(`auth: control/penaltyexempt is passed over: ${(error as Error).message}`);
    return usual;
  }
}

export interface Keeper {
  /** Called for each name that was struck out. */
  readonly forgiven: (name: string) => void;
  readonly log: (line: string) => void;
}

/** Restores the book of `home`; from then on writes down what changes, and looks once a second whom to forgive. */
export function keepBook(home: string, book: PenaltyBook, { forgiven, log }: Keeper): { changed(): void } {
  let changed = false;
  let complained = "";
  /** A disk that cannot be written must not keep anybody from logging in. It is said once. */
  const attempt = (what: () => void) => {
    try {
      what();
    } catch (error) {
      const why = `auth: users/penalties: ${(error as Error).message}`;
      if (why !== complained) log(why);
      complained = why;
    }
  };
  attempt(() => book.restore(readPenalties(home)));
  const forgive = () => {
    for (const name of takeForgiven(home)) {
      book.forgive(name);
      forgiven(name);
      changed = true;
    }
  };
  const write = () => {
    if (!changed) return;
    const entries = book.entries(Date.now()).filter(({ score }) => score >= worthScore);
    writePenalties(home, entries.slice(0, mostLines));
    changed = false;
  };
  setInterval(() => attempt(forgive), lookEveryMs).unref();
  setInterval(() => attempt(write), writeEveryMs).unref();
  return {
    changed: () => {
      changed = true;
    },
  };
}
