/**
 * Plays the golden transcripts against our programs, in both hosts. test/golden/README.md tells the format,
 * test/golden/departures.ts where we differ on purpose.
 *
 *     node test/golden.test.ts --only NAME [--host native|resident|divided] [--json]     one case, shown as a dialogue
 */
import { existsSync } from "node:fs";
import { after, test } from "node:test";
import { programNames } from "../src/programs/table.ts";
import { type Case, casesOf } from "./runner/case.ts";
import type { Host } from "./runner/host.ts";
import { isAsked, isExpected, judge, onlyHost, saveExpectations } from "./runner/judge.ts";
import { staysSmall } from "./runner/memory.ts";
import { dividedHost, nativeHost } from "./runner/native.ts";
import { perform } from "./runner/perform.ts";
import { Pool } from "./runner/pool.ts";
import { residentHost } from "./runner/resident.ts";

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

/** Why a case cannot be played here; undefined when it can. */
function obstacle(file: string, played: Case): string | undefined {
  const missing = [played.program, ...played.argv].find(
    (word) => ours.has(word) && !programNames.includes(word),
  );
  if (missing !== undefined) return `no program ${missing} yet`;
  const asRoot = played.run_as === "uid 0" || played.name.endsWith("-as-root");
  if (asRoot && process.getuid?.() !== 0) return "needs root";
  if (!existsSync("/usr/bin/perl")) return "needs perl for the stand-ins";
  return isExpected(file, played) || played.measured !== undefined ? undefined : "no expectation of ours yet";
}

const ours = new Set<string>([...files, "rblsmtpd", "sslserver", "checkpassword"]);

const pool = new Pool(sideBySide);
const counts: string[] = [];

async function play(host: Host, file: string, played: Case): Promise<"passed" | "departed"> {
  if (played.measured === undefined)
    return judge(host.name, file, played, (script) => perform(host, played, script));
  await staysSmall(host, played, played.measured);
  return "departed";
}

for (const [hostName, makeHost, itsFiles, why] of [
  ["native", nativeHost, files, undefined],
  ["resident", residentHost, files, undefined],
  ["divided", dividedHost, ["authup"], process.getuid!() === 0 ? undefined : "only root can be divided"],
] as const) {
  const hosts: Host[] = [];
  const free: Host[] = [];
  if (onlyHost !== undefined && onlyHost !== hostName) continue;
  for (const file of itsFiles) {
    // Bugs of the three services are played whole, with full-chain.json: full-chain.test.ts.
    const cases = casesOf(file).filter((played) => played.topic !== "full-chain" && isAsked(file, played));
    if (cases.length === 0) continue;
    test(`golden ${file}, ${hostName} host`, { concurrency: true, skip: why ?? false }, async (t) => {
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
  saveExpectations();
  console.log(counts.join("\n"));
});
