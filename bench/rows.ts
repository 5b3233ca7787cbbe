/** What is no matter of load: memory, starts, and how long a greeting takes while others guess passwords. */
import type { Contender, Running } from "./contender/contender.ts";
import type { ColdStart } from "./contender/serve.ts";
import { auth, ehlo, type Goal, startTls } from "./figures.ts";
import type { Step } from "./load/plan.ts";
import { fixsmtpioFigure } from "./measure/fixsmtpio.ts";
import { type Held, heldFigures } from "./measure/held.ts";
import { comeAndWait, idleKilobytes, type Waiting } from "./measure/memory.ts";
import { nativeStart } from "./measure/native-start.ts";
import { Failed, load, startLoad, toldBy } from "./measure/sample.ts";
import type { Up } from "./stage.ts";

export interface Plain {
  readonly name: string;
  readonly says: string;
  readonly unit: string;
  readonly goal: Goal;
  /** Measured with --quick too. */
  readonly quick: boolean;
  /** Leaves traces in memory: the server is started anew after each look. */
  readonly leavesTraces?: true;
  /** Nobody comes for a while before each look. */
  readonly rests?: true;
  /** A start is looked at: there must have been one for each look. */
  readonly starts?: true;
  /** Looked at after all load: a server that has just started compiles itself. */
  readonly late?: true;
  /** Others do not do the same there: no ratio is worth to be read. */
  readonly alone?: true;
  /** `--check` fails when the goal is missed: it is a ratio, or has room for any machine. */
  readonly firm?: true;
  /** One sample, `round` counted from 1. Undefined where there is nothing to measure. Throws Failed. */
  of(server: Up, contender: Contender, round: number): Promise<number | undefined> | number | undefined;
}

/** Sessions that come, and stay at all servers at once. */
export interface HeldRow extends Omit<Plain, "of"> {
  /** They come. Undefined where they cannot. Throws Failed. */
  wait(server: Up): Promise<Waiting> | undefined;
}

/** Rows with so many sessions at once. */
export function plainRows(sessions: number): readonly (Plain | HeldRow)[] {
  const heldRow = (name: string, says: string, atMost: number): HeldRow => ({
    ...{ name, says, unit: "KiB", goal: { atMost }, quick: false, leavesTraces: true },
    wait: held(heldFigures.find((figure) => figure.name === name)!, sessions),
  });
  return [
    {
      name: "14",
      says: "the idle service, PSS of all its processes",
      unit: "MiB",
      goal: { atMost: 110 },
      quick: false,
      rests: true,
      leavesTraces: true,
      alone: true,
      of: (server) => idleKilobytes(server) / 1024,
    },
    fixsmtpioRow("ratio", "DATA through fixsmtpio, beside a bare copy", "of a copy", { atLeast: 0.5 }),
    fixsmtpioRow("rules", "a new reply line, 1,000 rules that begin differently", "µs CPU", { atMost: 20 }),
    fixsmtpioRow("memory", "one more session within DATA, beyond a copy", "KiB", { atMost: 64 }),
    fixsmtpioRow("growth", "a session during DATA of 1 GiB, its growth", "KiB", { atMost: 64 }),
    {
      name: "13",
      says: "native start of one program",
      unit: "ms CPU",
      goal: { atMost: 65 },
      quick: true,
      of: (_, { name }) => nativeStart(name),
    },
    heldRow("11", `PSS of one of ${sessions} idle sessions, in clear`, 16),
    heldRow("11 tls", "the same in TLS", 64),
    heldRow("11 login", "the same in clear, POP3 after the login", 40),
    heldRow("11 auth", "the same in TLS, after AUTH", 90),
    {
      name: "guesses",
      says: "greeting of a submission while passwords are guessed, 99 of 100",
      unit: "ms",
      goal: { atMost: 100 },
      quick: false,
      late: true,
      of: greetingUnderGuesses,
    },
    startRow("start", "cold start, until every door answers", "ms CPU", (cold) => cold.cpuMilliseconds),
    startRow("start wall", "the same by the clock", "ms", (cold) => cold.milliseconds),
  ];
}

const held = (figure: Held, sessions: number) => (server: Up) =>
  !server.doors.has(figure.door) ||
  (figure.tls && server.clearOnly !== undefined) ||
  server.clientsAtMost !== undefined
    ? undefined
    : comeAndWait(figure, server, sessions);

function startRow(name: string, says: string, unit: string, value: (cold: ColdStart) => number): Plain {
  const of = ({ starts }: Up, _: Contender, round: number) => {
    const cold = starts[round - 1];
    return cold && value(cold);
  };
  return { name, says, unit, goal: { atMost: 1500 }, quick: false, starts: true, alone: true, of };
}

function fixsmtpioRow(found: string, says: string, unit: string, goal: Goal): Plain {
  const of = (_: Up, { kind }: Contender, round: number) =>
    kind === "ours" ? fixsmtpioFigure(found, round) : undefined;
  return { name: `fixsmtpio ${found}`, says, unit, goal, quick: false, firm: true, of };
}

const guesses = 2000;
/** Fewer are none to speak of. */
const fewestGuesses = 50;

/** So many wrong passwords, 50 clients at once; meanwhile one other client connects, again and again. */
export async function greetingUnderGuesses(server: Running): Promise<number | undefined> {
  const port = server.doors.get("submission");
  if (port === undefined || server.clearOnly !== undefined || server.clientsAtMost !== undefined)
    return undefined;
  const plan = { host: "127.0.0.1", port, implicitTls: false, messageOctets: 0 };
  const wrong = auth({ ...server, password: "wrong" }) as { send: string; expect: string };
  // Who limits the guesses of one network says so: the others go on.
  const guess: readonly Step[] = [
    { expect: "220" },
    ehlo,
    ...startTls,
    { ...wrong, expect: "535", or: "454" },
  ];
  const guessers = startLoad({ ...plan, steps: guess, clients: 50, seconds: 3, sessions: guesses });
  const greeted = load({
    ...plan,
    steps: [{ expect: "220" }, { send: "QUIT\r\n", expect: "221" }],
    clients: 1,
    seconds: 2,
  });
  const [{ latency }, made] = await Promise.all([greeted, toldBy(guessers)]);
  if (made.sessions < fewestGuesses) throw new Failed(`only ${made.sessions} guesses`);
  return latency.p99;
}
