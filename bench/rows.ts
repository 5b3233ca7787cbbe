/** What is no matter of load: memory, starts, and how long a greeting takes while others guess passwords. */
import type { Contender } from "./contender/contender.ts";
import { auth, ehlo, type Goal, startTls } from "./figures.ts";
import type { Step } from "./load/plan.ts";
import { fixsmtpioFigure } from "./measure/fixsmtpio.ts";
import { idleKilobytes, sessionKilobytes, startMilliseconds } from "./measure/memory.ts";
import { load, startLoad } from "./measure/sample.ts";
import type { Up } from "./stage.ts";

export interface Plain {
  readonly name: string;
  readonly says: string;
  readonly unit: string;
  readonly goal: Goal;
  /** Measured with --quick too. */
  readonly quick: boolean;
  /** Leaves traces in memory: the server is started anew after it. */
  readonly leavesTraces?: true;
  /** `--check` fails when the goal is missed: it is a ratio, or has room for any machine. */
  readonly firm?: true;
  /** Undefined where there is nothing to measure. Throws Failed. */
  of(server: Up, contender: Contender): Promise<number | undefined> | number | undefined;
}

/** Rows with so many sessions at once. */
export function plainRows(sessions: number): readonly Plain[] {
  const held =
    (door: "smtp" | "submission", steps: (server: Up) => readonly Step[], tls: boolean) => (server: Up) =>
      !server.doors.has(door) || (tls && server.clearOnly !== undefined) || server.clientsAtMost !== undefined
        ? undefined
        : sessionKilobytes(server, door, [{ expect: "220" }, ehlo, ...steps(server)], sessions);
  const secure = () => startTls;
  return [
    {
      name: "14",
      says: "the idle service, PSS of all its processes",
      unit: "MiB",
      goal: { atMost: 110 },
      quick: false,
      of: (server) => idleKilobytes(server) / 1024,
    },
    {
      name: "start",
      says: "cold start, until every door answers",
      unit: "ms CPU",
      goal: { atMost: 1500 },
      quick: true,
      of: ({ cold }) => cold?.cpuMilliseconds,
    },
    {
      name: "start wall",
      says: "the same by the clock",
      unit: "ms",
      goal: { atMost: 1500 },
      quick: true,
      of: ({ cold }) => cold?.milliseconds,
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
      of: (_, { kind }) => (kind === "ours" ? startMilliseconds() : undefined),
    },
    {
      name: "11",
      says: `PSS of one of ${sessions} idle sessions, in clear`,
      unit: "KiB",
      goal: { atMost: 16 },
      quick: false,
      leavesTraces: true,
      of: held("smtp", () => [], false),
    },
    {
      name: "11 tls",
      says: `the same in TLS`,
      unit: "KiB",
      goal: { atMost: 60 },
      quick: false,
      leavesTraces: true,
      of: held("smtp", secure, true),
    },
    {
      name: "11 auth",
      says: `the same in TLS, after AUTH`,
      unit: "KiB",
      goal: { atMost: 90 },
      quick: false,
      leavesTraces: true,
      of: held("submission", (server) => [...startTls, auth(server)], true),
    },
    {
      name: "guesses",
      says: "greeting of a submission while passwords are guessed, 99 of 100",
      unit: "ms",
      goal: { atMost: 100 },
      quick: false,
      of: greetingUnderGuesses,
    },
  ];
}

function fixsmtpioRow(found: string, says: string, unit: string, goal: Goal): Plain {
  const of = (_: Up, { kind }: Contender) => (kind === "ours" ? fixsmtpioFigure(found) : undefined);
  return { name: `fixsmtpio ${found}`, says, unit, goal, quick: false, firm: true, of };
}

const guesses = 2000;

/** So many wrong passwords, 50 clients at once; meanwhile one other client connects, again and again. */
async function greetingUnderGuesses(server: Up): Promise<number | undefined> {
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
  const { latency } = await load({
    ...plan,
    steps: [{ expect: "220" }, { send: "QUIT\r\n", expect: "221" }],
    clients: 1,
    seconds: 2,
  });
  guessers.child.kill("SIGKILL");
  await guessers.gone;
  return latency.p99;
}
