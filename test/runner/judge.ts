/** Compares what ours did with what it should do, departures and all; the same for every kind of golden case. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Departure, departures, rules, unseen } from "../golden/departures.ts";
import { type Case, type Outcome, root, type Step } from "./case.ts";
import { difference as differenceOf, generalized, normalized, transcriptOf } from "./compare.ts";

const { values: asked } = parseArgs({
  options: {
    only: { type: "string" },
    host: { type: "string" },
    json: { type: "boolean" },
    accept: { type: "boolean" },
  },
  strict: false,
});
/** The one case to play, by its name or key. */
export const only = (asked.only ?? process.env["GOLDEN_ONLY"]) as string | undefined;
/** Whether what ours does in named departures is to be written down anew. */
export const accept = asked.accept === true;
export const onlyHost = (accept ? "native" : (asked.host ?? process.env["GOLDEN_HOST"])) as
  | string
  | undefined;

/** Plays a script in one host, and writes down what happens. */
export type Perform = (script: readonly Step[]) => Promise<Outcome>;

export const keyOf = (file: string, { topic, name }: Pick<Case, "topic" | "name">) =>
  file === "bugs" ? `bugs/${topic}/${name}` : `${file}/${name}`;

export const isAsked = (file: string, played: Pick<Case, "topic" | "name">) =>
  only === undefined || played.name === only || keyOf(file, played) === only;

/** False for a bug of the originals of which nobody has said what ours does instead. */
export const isExpected = (file: string, played: Pick<Case, "topic" | "name">) =>
  file !== "bugs" || departures[keyOf(file, played)] !== undefined || unseen.has(keyOf(file, played));

/** What ours does in the cases that departures.ts names: the members that differ. */
const expectationsFile = join(root, "test", "golden", "departures.json");
const expectations = JSON.parse(readFileSync(expectationsFile, "utf8")) as Record<string, Partial<Outcome>>;

/** Writes what was accepted, if anything was. */
export function saveExpectations(): void {
  if (!accept) return;
  const lines = Object.entries(expectations)
    .filter(([key]) => departures[key] !== undefined && departures[key].ours === undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, expectation]) => `${JSON.stringify(key)}: ${JSON.stringify(expectation)}`);
  writeFileSync(expectationsFile, `{\n${lines.join(",\n")}\n}\n`);
}

/** Plays one case and compares. Returns how it went. */
export async function judge(
  host: string,
  file: string,
  played: Case,
  perform: Perform,
): Promise<"passed" | "departed"> {
  const key = keyOf(file, played);
  const departure = departures[key];
  let ruled: Outcome = played;
  for (const rule of rules) if (rule.applies(played, file)) ruled = { ...ruled, ...rule.ours(ruled) };
  if (accept && departure !== undefined && departure.ours === undefined)
    expectations[key] = await observe(perform, played, ruled);
  const wanted = wantedOf(departure, key, played, ruled);
  // A second may be too short on a busy machine.
  for (let tries = played.steps.some((step) => ("wait_ms" in step)) ? 3 : 1; ; tries--) {
    const seen = await perform(wanted.steps);
    const difference = compare(seen, wanted, played);
    if (only !== undefined) show(host, file, played, seen, difference);
    if (difference !== undefined && tries > 1) continue;
    if (difference !== undefined) throw new Differs(`${host} ${key}`, difference);
    const departs = compare(seen, played, played) !== undefined;
    if (!departs && departure !== undefined)
      throw new Error(`${key} departs no longer: take it from departures.ts`);
    return departs ? "departed" : "passed";
  }
}

function wantedOf(departure: Departure | undefined, key: string, played: Case, ruled: Outcome): Outcome {
  if (departure === undefined) return ruled;
  const { ours } = departure;
  if (ours === undefined) return { ...ruled, ...endless(expectations[key]) };
  return { ...played, ...endless(typeof ours === "function" ? ours(played) : ours) };
}

/** How it ended is one thing in three words, so an expectation with one of them unsets the others. */
function endless(expectation: Partial<Outcome> = {}): Partial<Outcome> {
  if (!("exit" in expectation || "signal" in expectation || "state" in expectation)) return expectation;
  return { exit: null, signal: undefined, state: undefined, ...expectation } as Partial<Outcome>;
}

/** What ours does in a case: the members that are not those of `ruled`. A session that goes on is ended by us. */
async function observe(perform: Perform, played: Case, ruled: Outcome): Promise<Partial<Outcome>> {
  let seen = await perform(ruled.steps);
  if (seen.state !== undefined) seen = await perform([...seen.steps, { shutdown: true }, { eof: true }]);
  const shown = JSON.parse(generalized(JSON.stringify(normalized(seen, ruled, played)))) as Outcome;
  const members = ["steps", "stderr", "child_runs", "files_after"] as const;
  const picked = members.filter((name) => JSON.stringify(shown[name]) !== JSON.stringify(ruled[name]));
  const ended = ({ exit, signal, state }: Outcome) => ({
    exit: exit ?? null,
    ...(signal && { signal }),
    ...(state && { state }),
  });
  return {
    ...Object.fromEntries(picked.map((name) => [name, shown[name] ?? []])),
    ...(JSON.stringify(ended(shown)) === JSON.stringify(ended(ruled)) ? {} : ended(shown)),
  };
}

/** What differs, as lines; undefined when nothing does. */
function compare(seen: Outcome, wanted: Outcome, played: Case): string | undefined {
  const [ours, theirs] = [transcriptOf(normalized(seen, wanted, played)), transcriptOf(wanted)];
  return ours.join("\n") === theirs.join("\n") ? undefined : differenceOf(ours, theirs);
}

/** Says what differs, and no more: where in the test it was found helps nobody. */
class Differs extends Error {
  constructor(what: string, difference: string) {
    super(`${what}: ours is marked +, what should be is marked -\n${difference}`);
    this.stack = this.message;
  }
}

function show(host: string, file: string, played: Case, seen: Outcome, difference: string | undefined): void {
  const departure = departures[keyOf(file, played)];
  console.log(`${host} ${keyOf(file, played)}: ${played.argv.join(" ")}`);
  for (const [name, text] of Object.entries(played.control)) console.log(`control/${name}: ${text}`);
  if (departure) console.log(`departs: ${departure.reason} (${departure.see})`);
  if (played.explanation) console.log(`the original: ${played.explanation}`);
  if (difference === undefined) console.log(transcriptOf(seen).join("\n"));
  if (asked.json) console.log(JSON.stringify(seen));
}
