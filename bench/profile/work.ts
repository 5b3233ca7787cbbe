/** The figures that are a matter of load, as something to look at. */
import { figures } from "../figures.ts";
import { type Served, sampleOf } from "../measure/sample.ts";
import { short } from "../report.ts";
import { greetingUnderGuesses } from "../rows.ts";

export interface Work {
  readonly name: string;
  readonly says: string;
  /** Until the compiler has seen it. */
  warm(server: Served): Promise<unknown>;
  /** For some seconds. Returns what was measured meanwhile, with its unit. */
  run(server: Served, seconds: number): Promise<string>;
}

/** Seconds of load before somebody looks. */
const warmingSeconds = 8;

export const works: readonly Work[] = [
  ...figures.map(
    (figure): Work => ({
      name: figure.name,
      says: figure.says,
      warm: async (server) => {
        // One client first: passwords that are new to a server are checked by and by.
        await sampleOf({ ...figure, clients: 1 }, server, 0.5);
        await sampleOf(figure, server, warmingSeconds);
      },
      run: async (server, seconds) =>
        `${short((await sampleOf(figure, server, seconds)).value)} ${figure.unit}`,
    }),
  ),
  {
    name: "guesses",
    says: "50 guess passwords, one waits for a greeting",
    warm: greetingUnderGuesses,
    run: async (server, seconds) => {
      // Each time it is two seconds of load.
      const found: number[] = [];
      for (let past = 0; past < seconds; past += 2) found.push((await greetingUnderGuesses(server)) ?? 0);
      return `${short(Math.max(...found))} ms`;
    },
  },
];
