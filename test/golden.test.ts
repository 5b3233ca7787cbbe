/**
 * Plays the golden transcripts against our programs, in both hosts. test/golden/README.md tells the format,
 * test/golden/departures.ts where we differ on purpose.
 *
 *     node test/golden.test.ts --only NAME [--host native|resident] [--json]     one case, shown as a dialogue
 */
import { existsSync } from "node:fs";
import { after, test } from "node:test";
import { programNames } from "../src/programs/table.ts";
import { type Case, casesOf } from "./runner/case.ts";
import type { Host } from "./runner/host.ts";
import { isAsked, isExpected, judge, onlyHost, saveExpectations } from "./runner/judge.ts";
import { nativeHost } from "./runner/native.ts";
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
  if (played.topic === "full-chain") return "played by full-chain.test.ts";
  if (played.program === undefined) return "about memory: measured by bench/";
  const missing = [played.program, ...played.argv].find(
    (word) => ours.has(word) && !programNames.includes(word),
  );
  if (missing !== undefined) return `no program ${missing} yet`;
  const asRoot = played.run_as === "uid 0" || played.name.endsWith("-as-root");
  if (asRoot && process.getuid?.() !== 0) return "needs root";
  if (!existsSync("/usr/bin/perl")) return "needs perl for the stand-ins";
  return isExpected(file, played) ? undefined : "no expectation of ours yet";
}

const ours = new Set<string>([...files, "rblsmtpd", "sslserver", "checkpassword"]);

const pool = new Pool(sideBySide);
const counts: string[] = [];

for (const makeHost of [nativeHost, residentHost]) {
  const hosts: Host[] = [];
  const free: Host[] = [];
  const { name: hostName } = makeHost();
  if (onlyHost !== undefined && onlyHost !== hostName) continue;
  for (const file of files) {
    const cases = casesOf(file).filter((played) => isAsked(file, played));
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
              count[await judge(host.name, file, played, (script) => perform(host, played, script))]++;
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
