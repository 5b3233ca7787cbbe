/**
 * Plays the golden transcripts against our programs, in both hosts. test/golden/README.md tells the format,
 * test/golden/departures.ts where we differ on purpose.
 *
 *     node test/golden.test.ts --only NAME [--host native|resident] [--json]     one case, shown as a dialogue
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseArgs } from "node:util";
import { programNames } from "../src/programs/table.ts";
import { type Departure, departures, rules, unseen } from "./golden/departures.ts";
import { type Case, casesOf, type Outcome, root } from "./runner/case.ts";
import { difference as differenceOf, generalized, normalized, transcriptOf } from "./runner/compare.ts";
import type { Host } from "./runner/host.ts";
import { nativeHost } from "./runner/native.ts";
import { perform } from "./runner/perform.ts";
import { Pool } from "./runner/pool.ts";
import { residentHost } from "./runner/resident.ts";

const { values: asked } = parseArgs({
  options: {
    only: { type: "string" },
    host: { type: "string" },
    json: { type: "boolean" },
    accept: { type: "boolean" },
  },
  strict: false,
});
const only = (asked.only ?? process.env["GOLDEN_ONLY"]) as string | undefined;
const accept = asked.accept === true;
const onlyHost = (accept ? "native" : (asked.host ?? process.env["GOLDEN_HOST"])) as string | undefined;

/** The files whose cases are one program, talked to. */
const files = [
  "checknotroot",
  "authup",
  "fixsmtpio",
  "qmail-smtpd",
  "ofmipd",
  "qmail-pop3d",
  "qmail-qfilter-addtlsheader",
  "qmail-qfilter-queue",
  "rblsmtpd",
  "bugs",
] as const;

/** Cases wait more than they work. */
const sideBySide = 5;

const keyOf = (file: string, { topic, name }: Case) =>
  file === "bugs" ? `bugs/${topic}/${name}` : `${file}/${name}`;

/** What ours does in the cases that departures.ts names: the members that differ. */
const expectationsFile = join(root, "test", "golden", "departures.json");
const expectations = JSON.parse(readFileSync(expectationsFile, "utf8")) as Record<string, Partial<Outcome>>;

/** Why a case cannot be played here; undefined when it can. */
function obstacle(file: string, played: Case): string | undefined {
  if (played.program === undefined) return "no single program";
  const missing = [played.program, ...played.argv].find(
    (word) => ours.has(word) && !programNames.includes(word),
  );
  if (missing !== undefined) return `no program ${missing} yet`;
  const asRoot = played.run_as === "uid 0" || played.name.endsWith("-as-root");
  if (asRoot && process.getuid?.() !== 0) return "needs root";
  if (!existsSync("/usr/bin/perl")) return "needs perl for the stand-ins";
  if (file === "bugs" && departures[keyOf(file, played)] === undefined && !unseen.has(keyOf(file, played)))
    return "no expectation of ours yet";
  return undefined;
}

const ours = new Set<string>([...files, "rblsmtpd", "sslserver", "checkpassword"]);

/** Plays one case and compares. Returns how it went. */
async function play(host: Host, file: string, played: Case): Promise<"passed" | "departed"> {
  const key = keyOf(file, played);
  const departure = departures[key];
  let ruled: Outcome = played;
  for (const rule of rules) if (rule.applies(played, file)) ruled = { ...ruled, ...rule.ours(ruled) };
  if (accept && departure !== undefined && departure.ours === undefined)
    expectations[key] = await observe(host, played, ruled);
  const wanted = wantedOf(departure, key, played, ruled);
  // A second may be too short on a busy machine.
  for (let tries = played.steps.some((step) => ("wait_ms" in step)) ? 3 : 1; ; tries--) {
    const seen = await perform(host, played, wanted.steps);
    const difference = compare(seen, wanted, played);
    if (only !== undefined) show(host, file, played, seen, difference);
    if (difference !== undefined && tries > 1) continue;
    if (difference !== undefined) throw new Differs(`${host.name} ${key}`, difference);
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
async function observe(host: Host, played: Case, ruled: Outcome): Promise<Partial<Outcome>> {
  let seen = await perform(host, played, ruled.steps);
  if (seen.state !== undefined)
    seen = await perform(host, played, [...seen.steps, { shutdown: true }, { eof: true }]);
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

function show(host: Host, file: string, played: Case, seen: Outcome, difference: string | undefined): void {
  const departure = departures[keyOf(file, played)];
  console.log(`${host.name} ${keyOf(file, played)}: ${played.argv.join(" ")}`);
  for (const [name, text] of Object.entries(played.control)) console.log(`control/${name}: ${text}`);
  if (departure) console.log(`departs: ${departure.reason} (${departure.see})`);
  if (played.explanation) console.log(`the original: ${played.explanation}`);
  if (difference === undefined) console.log(transcriptOf(seen).join("\n"));
  if (asked.json) console.log(JSON.stringify(seen));
}

const pool = new Pool(sideBySide);
const counts: string[] = [];

for (const makeHost of [nativeHost, residentHost]) {
  const hosts: Host[] = [];
  const free: Host[] = [];
  const { name: hostName } = makeHost();
  if (onlyHost !== undefined && onlyHost !== hostName) continue;
  for (const file of files) {
    const cases = casesOf(file).filter(
      (played) => only === undefined || played.name === only || keyOf(file, played) === only,
    );
    if (cases.length === 0) continue;
    test(`golden ${file}, ${hostName} host`, { concurrency: true }, async (t) => {
      const count = { passed: 0, departed: 0, skipped: 0, failed: 0 };
      const playing = cases.map((played) => {
        const why = obstacle(file, played);
        if (why !== undefined) count.skipped++;
        return t.test(played.name, { skip: why ?? false }, () =>
          pool.run(async () => {
            const host = free.pop() ?? makeHost();
            if (!hosts.includes(host)) hosts.push(host);
            try {
              count[await play(host, file, played)]++;
            } catch (error) {
              count.failed++;
              throw error;
            } finally {
              free.push(host);
            }
          }),
        );
      });
      await Promise.all(playing);
      counts.push(
        `${hostName.padEnd(8)} ${file.padEnd(26)} ${count.passed} passed, ${count.departed} departed, ` +
          `${count.skipped} skipped, ${count.failed} failed`,
      );
    });
  }
  test(`the ${hostName} host is closed`, async () => {
    for (const host of hosts) await host.close();
  });
}

after(() => {
  if (accept) {
    const lines = Object.entries(expectations)
      .filter(([key]) => departures[key] !== undefined && departures[key].ours === undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, expectation]) => `${JSON.stringify(key)}: ${JSON.stringify(expectation)}`);
    writeFileSync(expectationsFile, `{\n${lines.join(",\n")}\n}\n`);
  }
  if (existsSync(join(root, "build", "bin"))) console.log(counts.join("\n"));
});
