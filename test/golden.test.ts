/**
 * Plays the golden transcripts against our programs, in both hosts. test/golden/README.md tells the format,
 * test/golden/departures.ts where we differ on purpose.
 *
 *     node test/golden.test.ts --only NAME [--host native|resident] [--json]     one case, shown as a dialogue
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseArgs } from "node:util";
import { programNames } from "../src/programs/table.ts";
import { type Departure, departures, rules } from "./golden/departures.ts";
import { type Case, casesOf, type Outcome, root } from "./runner/case.ts";
import { difference as differenceOf, normalized, transcriptOf } from "./runner/compare.ts";
import type { Host } from "./runner/host.ts";
import { nativeHost } from "./runner/native.ts";
import { perform } from "./runner/perform.ts";
import { Pool } from "./runner/pool.ts";
import { residentHost } from "./runner/resident.ts";

const { values: asked } = parseArgs({
  options: { only: { type: "string" }, host: { type: "string" }, json: { type: "boolean" } },
  strict: false,
});
const only = (asked.only ?? process.env["GOLDEN_ONLY"]) as string | undefined;
const onlyHost = (asked.host ?? process.env["GOLDEN_HOST"]) as string | undefined;

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

function departureOf(file: string, played: Case): Departure | undefined {
  return departures[keyOf(file, played)] ?? rules.find((rule) => rule.applies(played, file));
}

/** Why a case cannot be played here; undefined when it can. */
function obstacle(file: string, played: Case): string | undefined {
  if (played.program === undefined) return "no single program";
  const missing = [played.program, ...played.argv].find(
    (word) => ours.has(word) && !programNames.includes(word),
  );
  if (missing !== undefined) return `no program ${missing} yet`;
  if (played.run_as === "uid 0" && process.getuid?.() !== 0) return "needs root";
  if (played.dns !== undefined) return "needs a DNS server";
  if (!existsSync("/usr/bin/perl")) return "needs perl for the stand-ins";
  if (file === "bugs" && departureOf(file, played) === undefined) return "no expectation of ours yet";
  return undefined;
}

const ours = new Set<string>([...files, "rblsmtpd", "sslserver", "checkpassword"]);

/** Plays one case and compares. Returns how it went. */
async function play(host: Host, file: string, played: Case): Promise<"passed" | "departed"> {
  const departure = departureOf(file, played);
  const wanted = wantedOf(played, departure);
  const seen = await perform(host, played, wanted.steps);
  const difference = compare(seen, wanted, played);
  if (only !== undefined) show(host, file, played, seen, difference);
  if (difference !== undefined) throw new Differs(`${host.name} ${keyOf(file, played)}`, difference);
  if (departure === undefined) return "passed";
  const departs = compare(seen, played, played) !== undefined;
  // A rule covers cases where it makes no difference; a named departure must be one.
  if (!departs && departures[keyOf(file, played)] !== undefined)
    throw new Error(`${keyOf(file, played)} departs no longer: remove it from departures.ts`);
  return departs ? "departed" : "passed";
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

function wantedOf(played: Case, departure: Departure | undefined): Outcome {
  if (departure === undefined) return played;
  const change = typeof departure.ours === "function" ? departure.ours(played) : departure.ours;
  const { exit, signal, state, ...rest } = played;
  // How it ended is one thing in three words.
  const end = "exit" in change || "signal" in change || "state" in change ? {} : { exit, signal, state };
  return { ...rest, ...end, ...change } as Outcome;
}

function show(host: Host, file: string, played: Case, seen: Outcome, difference: string | undefined): void {
  const departure = departureOf(file, played);
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
  if (existsSync(join(root, "build", "bin"))) console.log(counts.join("\n"));
});
