/** Takes the samples of each row: all who are measured in turn, again and again, until each has so many. */
import { setTimeout as pause } from "node:timers/promises";
import type { Contender } from "./contender/contender.ts";
import type { Figure } from "./figures.ts";
import { flushesDuring } from "./measure/flushes.ts";
import { processesOf, type Waiting } from "./measure/memory.ts";
import { load, planOf, sampleOf } from "./measure/sample.ts";
import type { Options } from "./options.ts";
import type { Cell, Row, Taken } from "./report.ts";
import type { HeldRow, Plain } from "./rows.ts";
import type { Stage, Up } from "./stage.ts";

/** Who is idle gives memory back after half a minute. */
const restSeconds = 40;
/** Who gives back what it needed when sessions came has done so: ours looks each five seconds. */
const waitSeconds = 15;
/** A round that costs less than this share of the best before it has gained something. */
const worthwhile = 0.95;
const roundsInVain = 2;
const agingSeconds = 10;
/** V8 takes some thousand sessions; what is measured for a minute only must be content with less. */
const [warmingRounds, warmingSessions] = [5, 1500];
const warmingSeconds = 0.5;
const countingSeconds = 0.3;
/** No more counts of one server begin after so long: a session may have a hundred messages. */
const countingSecondsInAll = 5;

type AllTaken = Taken[] | string;

export class Measurer {
  readonly #stage: Stage;
  readonly #options: Options;
  readonly #servers = new Map<Contender, Up | string>();
  /** Looks at each plain row so far: who is measured twice must not be told the same again. */
  readonly #looks = new Map<string, number>();
  /** Kibibytes of our processes by title, once for each look at the idle service. */
  readonly idle = new Map<string, number[]>();

  constructor(stage: Stage, options: Options) {
    this.#stage = stage;
    this.#options = options;
  }

  async begin(): Promise<void> {
    for (const contender of this.#options.contenders) await this.#start(contender);
  }

  /** A row of any kind. */
  row = (row: Figure | Plain | HeldRow): Promise<Row> => {
    if ("steps" in row) return this.#loaded(row);
    return "wait" in row ? this.#held(row) : this.#plain(row);
  };

  /** Who compiles itself goes on doing so for ten seconds of work and more, whatever the work: that is done once. */
  async age(figure: Figure): Promise<void> {
    for (const [contender, server] of this.#servers) {
      if (contender.compiles !== true || gap(figure, contender, server) !== undefined) continue;
      // Who fails here fails again where it is told.
      await sampleOf(figure, server as Up, agingSeconds).catch(() => {});
    }
  }

  async #start(contender: Contender): Promise<void> {
    const server = this.#servers.get(contender);
    if (typeof server === "string") return;
    await server?.leave();
    this.#servers.set(contender, await this.#stage.enter(contender));
  }

  async #loaded(figure: Figure): Promise<Row> {
    const all = new Map<Contender, AllTaken>();
    for (const [contender, server] of this.#servers) {
      const reason = gap(figure, contender, server);
      all.set(contender, reason ?? (await this.#warm(figure, server as Up, contender)));
    }
    await this.#inTurn(all, (contender) =>
      sampleOf(figure, this.#servers.get(contender) as Up, this.#options.seconds),
    );
    const cells: Cell[] = [];
    const counts = this.#options.quick ? 1 : this.#options.rounds;
    for (const [contender, samples] of all) {
      const isCounted = figure.durable && typeof samples !== "string";
      const server = this.#servers.get(contender) as Up;
      const flushes = isCounted ? await flushesEach(figure, server, counts) : undefined;
      cells.push({ ...cellOf(contender, samples), flushes });
    }
    return { figure, cells };
  }

  async #plain(row: Plain): Promise<Row> {
    const all = this.#all();
    let round = this.#looks.get(row.name) ?? 0;
    const before = async () => {
      round += 1;
      this.#looks.set(row.name, round);
      if (row.rests) await pause(restSeconds * 1000);
    };
    await this.#inTurn(all, (contender) => this.#look(row, contender, round), before);
    return { figure: row, cells: cellsOf(all) };
  }

  /** Sessions wait at all servers at once: each would take as long by itself. */
  async #held(row: HeldRow): Promise<Row> {
    const all = this.#all();
    for (let round = 0; round < this.#options.rounds; round++) {
      // Who has just started gives back what that took while sessions wait.
      await pause(restSeconds * 1000);
      const waiting = new Map<Contender, Waiting>();
      await each(all, async (contender) => {
        const one = await row.wait(this.#servers.get(contender) as Up);
        if (one !== undefined) waiting.set(contender, one);
        return one === undefined ? undefined : [];
      });
      await pause(waitSeconds * 1000);
      await each(all, async (contender) => {
        const { come, leave } = waiting.get(contender)!;
        return [{ value: await leave(), come }];
      });
      for (const contender of waiting.keys()) await this.#start(contender);
    }
    return { figure: row, cells: cellsOf(all) };
  }

  /** Who is up has no samples yet. */
  #all(): Map<Contender, AllTaken> {
    const up = [...this.#servers].map(
      ([contender, server]) => [contender, typeof server === "string" ? server : []] as const,
    );
    return new Map<Contender, AllTaken>(up);
  }

  async #look(row: Plain, contender: Contender, round: number): Promise<{ value: number } | undefined> {
    const server = () => this.#servers.get(contender) as Up;
    if (row.starts && server().starts.length < round) await this.#start(contender);
    if (row.rests && contender.kind === "ours") {
      for (const [title, kilobytes] of processesOf(server()))
        this.idle.set(title, [...(this.idle.get(title) ?? []), kilobytes]);
    }
    const value = await row.of(server(), contender, round);
    if (row.leavesTraces && value !== undefined) await this.#start(contender);
    return value === undefined ? undefined : { value };
  }

  /** Everyone once, then everyone again. */
  async #inTurn(
    all: Map<Contender, AllTaken>,
    sample: (contender: Contender) => Promise<Taken | undefined>,
    before = async () => {},
  ): Promise<void> {
    for (let round = 0; round < this.#options.rounds; round++) {
      await before();
      await each(all, async (contender) => {
        const one = await sample(contender);
        return one && [one];
      });
    }
  }

  /** A server that runs for days is measured, not one that has just started: until rounds get no cheaper. */
  async #warm(figure: Figure, server: Up, { compiles }: Contender): Promise<AllTaken> {
    const { quick } = this.#options;
    const length = Math.max(this.#options.seconds, quick ? 0 : warmingSeconds);
    const [most, fewestSessions] = quick ? [4, 0] : [warmingRounds, warmingSessions];
    try {
      // One client first: passwords that are new to a server are checked by and by.
      await sampleOf({ ...figure, clients: 1 }, server, 0.05);
      let best = Number.POSITIVE_INFINITY;
      let sessions = 0;
      for (let round = 0, inVain = 0; round < (compiles === true ? most : 1); round++) {
        if (inVain >= roundsInVain && sessions >= fewestSessions) break;
        const { serverBusy, sessionsPerSecond } = await sampleOf(figure, server, length);
        const cost = serverBusy / sessionsPerSecond;
        sessions += sessionsPerSecond * length;
        inVain = cost < best * worthwhile ? 0 : inVain + 1;
        best = Math.min(best, cost);
      }
      return [];
    } catch (error) {
      return (error as Error).message;
    }
  }
}

/** Everyone in turn. Who has nothing to show or fails is asked no more. */
async function each(
  all: Map<Contender, AllTaken>,
  look: (contender: Contender) => Promise<readonly Taken[] | undefined>,
): Promise<void> {
  for (const [contender, taken] of all) {
    if (typeof taken === "string") continue;
    try {
      const found = await look(contender);
      if (found === undefined) all.set(contender, "-");
      else taken.push(...found);
    } catch (error) {
      all.set(contender, (error as Error).message);
    }
  }
}

/** Why this figure is not measured here; undefined when it is. */
function gap(figure: Figure, contender: Contender, server: Up | string): string | undefined {
  if (typeof server === "string") return server;
  if (figure.noPeers && contender.kind !== "ours" && contender.kind !== "floor") return "-";
  if (!server.doors.has(figure.door)) return "-";
  return figure.tls ? server.clearOnly : undefined;
}

const cellsOf = (all: ReadonlyMap<Contender, AllTaken>): Cell[] =>
  [...all].map(([contender, samples]) => cellOf(contender, samples));

const cellOf = ({ name, kind }: Contender, samples: AllTaken): Cell => ({ contender: name, kind, samples });

/** Flushes for one message, counted in runs of their own. Null when nobody can count. */
async function flushesEach(
  figure: Figure,
  server: Up,
  rounds: number,
): Promise<readonly number[] | null | undefined> {
  const counts: number[] = [];
  const until = performance.now() + countingSecondsInAll * 1000;
  try {
    do {
      let messages = 0;
      const counted = await flushesDuring(server.group.pids(), async () => {
        const told = await load(planOf(figure, server, { seconds: countingSeconds }));
        messages = told.sessions * figure.each;
      });
      if (counted === undefined) return null;
      counts.push(counted / messages);
    } while (counts.length < rounds && performance.now() < until);
  } catch {
    return undefined;
  }
  return counts;
}
