/**
 * Plays the golden transcripts of the three services end to end, over TCP, with real TLS, users, queue and mailboxes:
 * with sessions in workers, and as the literal chain of processes (--native). Both must give the same bytes, log and
 * mail. Options and departures as in golden.test.ts.
 */
import { existsSync } from "node:fs";
import { after, test } from "node:test";
import { missing } from "./clients/command.ts";
import { casesOf } from "./runner/case.ts";
import { Chain } from "./runner/chain.ts";
import { type ChainCase, recorded } from "./runner/chain-case.ts";
import { isAsked, isExpected, judge, onlyHost, saveExpectations } from "./runner/judge.ts";
import { Pool } from "./runner/pool.ts";

/** Homes in which cases are played at the same time, one after the other in each: processes take their time. */
const homes = { resident: 1, native: 2 } as const;

const passwords = { alice: "AlicePw1", bob: "BobPw2" };

function obstacle(file: string, played: ChainCase, host: string): string | undefined {
  const noOpenssl = missing("openssl");
  if (noOpenssl !== false) return noOpenssl;
  // In workers the server itself does what this program does.
  const foreign = played.service.chain.includes("s6-setuidgid") && process.getuid?.() === 0;
  if (foreign && host === "native" && !existsSync("/usr/bin/s6-setuidgid"))
    return "s6-setuidgid not installed";
  return isExpected(file, played) ? undefined : "no expectation of ours yet";
}

for (const host of ["resident", "native"] as const) {
  if (onlyHost !== undefined && onlyHost !== host) continue;
  test(`the services of the ${host} host`, { concurrency: true }, async (t) => {
    const pool = new Pool(homes[host]);
    const open: Chain[] = [];
    const free: Chain[] = [];
    const playing: Promise<void>[] = [];
    for (const file of ["full-chain", "bugs"]) {
      const cases = casesOf<ChainCase>(file).filter((played) => played.service !== undefined);
      for (const played of cases.filter((each) => isAsked(file, each))) {
        const skip = obstacle(file, played, host) ?? false;
        const play = async () => {
          const chain = free.pop() ?? (await Chain.open(host, passwords));
          if (!open.includes(chain)) open.push(chain);
          try {
            await judge(host, file, recorded(played), (script) => chain.perform(played, script));
          } finally {
            free.push(chain);
          }
        };
        playing.push(t.test(`${file}: ${played.name}, ${host}`, { skip }, () => pool.run(play)));
      }
    }
    await Promise.all(playing);
    for (const chain of open) await chain.close();
  });
}

after(saveExpectations);
