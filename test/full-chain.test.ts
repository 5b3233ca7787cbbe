/**
 * Plays the golden transcripts of the three services end to end: over TCP, with real TLS, users, queue and mailboxes.
 * `--only NAME` and departures as in golden.test.ts.
 */
import { after, before, test } from "node:test";
import { missing } from "./clients/command.ts";
import { casesOf } from "./runner/case.ts";
import { Chain, type ChainCase, recorded } from "./runner/chain.ts";
import { isAsked, isExpected, judge, saveExpectations } from "./runner/judge.ts";

let chain: Chain | undefined;

before(async () => {
  chain = await Chain.open({ alice: "AlicePw1", bob: "BobPw2" });
});
after(async () => {
  await chain?.close();
  saveExpectations();
});

for (const file of ["full-chain", "bugs"]) {
  const cases = casesOf<ChainCase>(file).filter((played) => played.service !== undefined);
  for (const played of cases.filter((each) => isAsked(file, each))) {
    const why = obstacle(file, played);
    test(`golden ${file}: ${played.name}`, { skip: why ?? false }, async () => {
      await judge("chain", file, recorded(played), (script) => chain!.perform(played, script));
    });
  }
}

function obstacle(file: string, played: ChainCase): string | undefined {
  const noOpenssl = missing("openssl");
  if (noOpenssl !== false) return noOpenssl;
  if (/^s6/.test(played.service.listener_argv[0] ?? "")) return "s6-networking's own listener";
  return isExpected(file, played) ? undefined : "no expectation of ours yet";
}
