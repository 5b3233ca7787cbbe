/** Plays a case that is about memory: one whose recording says by how much the original grew, and with which requests. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type Case, casesOf, type Measured } from "./case.ts";
import { makeFolder, removeFolder } from "./folder.ts";
import type { Host } from "./host.ts";
import { Family } from "./idle.ts";
import { Player } from "./perform.ts";

/** More than the original, so that what it lost would be more than what a collector of garbage has not yet looked at. */
const times = 8;

/** Fails when as many requests as `times` recordings cost more than half of what they cost the original. */
export async function staysSmall(host: Host, played: Case, measured: Measured): Promise<void> {
  const folder = makeFolder({
    ...played,
    control: controlOf("seed-anonymous-session"),
    child: { greeting: "220 child.example ESMTP\r\n", else: measured.reply },
  });
  const playing = await host.start(played, folder);
  try {
    const { family } = playing;
    assert.ok(family instanceof Family);
    const player = new Player(playing);
    const round = [
      { send_repeat: { text: measured.request, count: measured.requests } },
      { expect: measured.reply.repeat(measured.requests) },
    ];
    const rounds = (count: number) => Array.from({ length: count }, () => round).flat();
    const greeting = { expect: "220 mail.example.org ESMTP\r\n" };
    // What it takes to be warm is not growth.
    await player.play([greeting, ...rounds(times)]);
    const before = memoryOf(family);
    const seen = await player.play(rounds(times));
    const grown = memoryOf(family) - before;
    assert.deepEqual(seen, [greeting, ...rounds(2 * times)]);
    const limit = (times * measured.resident_growth_kib) / 2;
    assert.ok(
      grown < limit,
      `${grown} KiB more after ${times * measured.requests} requests; at most ${limit}`,
    );
  } finally {
    await playing.stop();
    removeFolder(folder);
  }
}

/** The control files of a case that has the rules of the how-to page. */
const controlOf = (name: string) => casesOf("fixsmtpio").find((played) => played.name === name)!.control;

/** Memory that is theirs alone, in KiB. */
function memoryOf(family: Family): number {
  const kib = family
    .living()
    .map((pid) => Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]));
  return kib.reduce((sum, each) => sum + each, 0);
}
