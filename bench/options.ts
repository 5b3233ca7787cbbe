/** The words of `npm run bench`. */
import { parseArgs } from "node:util";
import type { Contender } from "./contender/contender.ts";
import { type Figure, figures } from "./figures.ts";
import { contenders } from "./peers/table.ts";
import { type HeldRow, type Plain, plainRows } from "./rows.ts";

export interface Options {
  readonly quick: boolean;
  readonly json: boolean;
  readonly check: boolean;
  readonly keep: boolean;
  /** Samples of each figure. */
  readonly rounds: number;
  /** Of each sample. */
  readonly seconds: number;
  /** Everything that there is, at its usual measure: the table may stand for others. */
  readonly whole: boolean;
  readonly loaded: readonly Figure[];
  readonly plain: readonly (Plain | HeldRow)[];
  readonly micro: boolean;
  /** Ours first. */
  readonly contenders: readonly Contender[];
}

/** A median of fewer says little, and has no spread to speak of. */
const fewestRounds = 5;
const sessionsHeld = 1000;

/** Reads the command line; says what is wrong with it and exits with 2. */
export function readOptions(): Options {
  const values = words();
  const only = values.only?.split(",");
  const peers = values.peers?.split(",");
  const plain = plainRows(sessionsHeld);
  const known = [...figures, ...plain, { name: "micro" }].map(({ name }) => name);
  const strangers = [
    ...(only ?? []).filter((name) => !known.includes(name)),
    ...(peers ?? []).filter((name) => !contenders.some((one) => one.name === name)),
  ];
  if (strangers.length > 0) {
    wrong(`no such figure or peer: ${strangers.join(", ")}
figures: ${known.join(", ")}
peers: ${contenders.map(({ name }) => name).join(", ")}`);
  }
  const rounds = Number(values.rounds ?? fewestRounds);
  if (!Number.isInteger(rounds) || rounds < fewestRounds)
    wrong(`--rounds is a whole number from ${fewestRounds} up: a median of fewer says little`);
  const seconds = Number(values.seconds ?? (values.quick ? 0.15 : 0.3));
  if (!(seconds >= 0.1 && seconds <= 60)) wrong("--seconds is a number from 0.1 to 60");
  const isWanted = ({ name, quick }: { name: string; quick: boolean }) =>
    only === undefined ? !values.quick || quick : only.includes(name);
  const isInvited = ({ name, kind, quick }: Contender) =>
    kind === "ours" || (peers === undefined ? !values.quick || quick === true : peers.includes(name));
  const { quick, json, check, keep } = values;
  return {
    ...{ quick, json, check, keep, rounds, seconds },
    whole: [only, peers, values.rounds, values.seconds].every((value) => value === undefined),
    loaded: figures.filter(isWanted),
    plain: plain.filter(isWanted),
    micro: only === undefined ? !quick : only.includes("micro"),
    contenders: contenders.filter(isInvited),
  };
}

function words() {
  try {
    const flag = { type: "boolean", default: false } as const;
    const word = { type: "string" } as const;
    const flags = { quick: flag, json: flag, check: flag, keep: flag };
    return parseArgs({ options: { ...flags, only: word, peers: word, rounds: word, seconds: word } }).values;
  } catch (error) {
    return wrong((error as Error).message);
  }
}

function wrong(what: string): never {
  console.error(`bench: ${what}`);
  process.exit(2);
}
