/**
 * Random rules, servers and clients, in random pieces, through the conversation of fixsmtpio, for a given time:
 *
 *     node test/fuzz/fixsmtpio.ts [SECONDS] [SEED]
 *
 * What must hold whatever they say: nothing throws, and no cut matters. A run that fails tells its seed.
 */
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { Conversation, type Outcome } from "../../src/protocol/fixsmtpio/conversation.ts";
import { lint } from "../../src/protocol/fixsmtpio/lint.ts";
import { parseRules } from "../../src/protocol/fixsmtpio/rule.ts";
import { RuleSet } from "../../src/protocol/fixsmtpio/rule-set.ts";
import type { Options } from "../../src/protocol/fixsmtpio/settings.ts";

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const words = {
  rule: [
    ":",
    "::",
    "\n",
    "*",
    "?",
    "[a",
    "]",
    "\\",
    "250",
    "NOOP ",
    "&fixsmtpio_fixup",
    "&fixsmtpio_noop",
    "x",
    "7",
    "#",
  ],
  event: [
    "greeting",
    "ehlo",
    "noop",
    "data",
    "in_data",
    "timeout",
    "clienteof",
    "starttls",
    "auth",
    "quit",
    "x",
  ],
  client: [
    "EHLO c\r\n",
    "BDAT 9 LAST\r\n",
    "BDAT 2 LAST\r\n",
    "BDAT 3\r\n",
    "BDAT 0\r\n",
    "NOOP\r\n",
    "DATA\r\n",
    "STARTTLS\r\n",
    "AUTH PLAIN x\r\n",
    "QUIT\r\n",
    "\r\n",
    "\n",
    "\r",
    ".",
    ".\r\n",
    "\r\n.\r\n",
    "\n.\n",
    " ",
    "\0",
    "\xff",
    "MAIL FROM:<a>\r\n",
    "CLIENTEOF\r\n",
  ],
  server: [
    "220 hi\r\n",
    "250 CHUNKING\r\n",
    "250 ok\r\n",
    "250-a\r\n",
    "354 go\r\n",
    "354-go\r\n",
    "421 no\r\n",
    "334 x\r\n",
    "250\r\n",
    "250-STARTTLS\r\n",
    "250 AUTH x\r\n",
    "\r\n",
    "\n",
    "x",
    "\0",
    "\xff",
    "250",
  ],
} as const;

type Random = (below: number) => number;
const pick = <Item>(random: Random, from: readonly Item[]): Item => from[random(from.length)]!;
const many = (random: Random, from: readonly string[], most: number) =>
  Array.from({ length: random(most) }, () => pick(random, from)).join("");

function rulesFrom(random: Random): RuleSet {
  const lines = Array.from({ length: random(6) }, () => {
    const env = pick(random, ["", "", "FOO", "FIXSMTPIOTLS"]);
    const prepend = pick(random, ["", "", "NOOP ", "X"]);
    const exitCode = pick(random, ["", "", "", "", "9"]);
    const glob = pick(random, [
      "*",
      "2*",
      "250?*",
      "*[a-c]*",
      many(random, ["*", "?", "2", "[0-9]", "\\"], 6) || "*",
    ]);
    const response = pick(random, ["", "250 x", "550-y", "k", "&fixsmtpio_noop", "&fixsmtpio_fixup"]);
    return [env, pick(random, words.event), prepend, glob, exitCode, response].join(":");
  });
  const { rules } = parseRules(`${lines.join("\n")}\n${many(random, words.rule, 20)}`);
  lint(rules, { behindAuthup: true, offersTls: true });
  return new RuleSet(rules);
}

interface Heard {
  readonly client: string;
  readonly server: string;
  readonly exitCode: number | undefined;
}

/** Plays turns; each is cut as `cut` says. `secured` marks in the server's part where TLS began. */
function converse(
  seed: number,
  turns: readonly [string, string][],
  cut: (text: string) => readonly string[],
): Heard {
  const random = randomFrom(seed);
  const rules = rulesFrom(random);
  const level = pick(random, ["unavailable", "available", "required"] as const);
  const options: Options = pick(random, [
    {},
    { strictLineEnds: true },
    { hidesExtensions: true },
    { offersChunking: true },
    { offersChunking: true },
    { offersChunking: true, strictLineEnds: true },
  ]);
  let secured = false;
  const has = (name: string) => name === "FOO" || (secured && name === "FIXSMTPIOTLS");
  const conversation = new Conversation({ rules, greeting: "g", level, has, options });
  let [client, server, unheard] = ["", "", ""];
  const carryOut = (outcome: Outcome) => {
    client += Buffer.from(outcome.toClient ?? []).toString("latin1");
    server += Buffer.from(outcome.toServer ?? []).toString("latin1");
    if (outcome.next?.do === "startAnew") {
      conversation.serverStarted();
      server += "(new)";
    }
    if (outcome.next?.do !== "startTls") return;
    secured = true;
    unheard = "";
    conversation.tlsStarted();
    server += "(TLS)";
  };
  const listen = (text: string) => {
    unheard += text;
    while (conversation.holds && conversation.hearsClient) carryOut(conversation.resume());
    if (!conversation.hearsClient || unheard === "") return;
    const now = unheard;
    unheard = "";
    carryOut(conversation.fromClient(Buffer.from(now, "latin1")));
  };
  for (const [who, text] of turns) {
    for (const piece of cut(text)) {
      if (who === "client") listen(piece);
      else {
        carryOut(conversation.fromServer(Buffer.from(piece, "latin1")));
        listen("");
      }
    }
  }
  carryOut(conversation.clientEnded());
  carryOut(conversation.serverEnded());
  return { client, server, exitCode: conversation.exitCode };
}

/** One run. Throws when something does not hold. */
export function once(seed: number): void {
  const random = randomFrom(seed ^ 0x5eed);
  // At most one reply at a time: a server cannot answer what it was not asked yet.
  const turns = Array.from({ length: 1 + random(24) }, (): [string, string] =>
    random(3) === 0 ? ["client", many(random, words.client, 8)] : ["server", pick(random, words.server)],
  );
  const whole = converse(seed, turns, (text) => [text]);
  // What comes with STARTTLS in one piece is dropped with it; cut, it is what the next server hears.
  if (whole.server.includes("(TLS)")) return;
  const bytewise = converse(seed, turns, (text) => [...text]);
  assert.deepEqual(bytewise, whole, "a cut matters");
}

/** Runs for `seconds`. Returns how many runs that were. */
export function fuzz(seconds: number, seed: number): number {
  const end = performance.now() + seconds * 1000;
  let runs = 0;
  while (performance.now() < end) {
    for (let batch = 0; batch < 100; batch++, runs++) {
      try {
        once(seed + runs);
      } catch (error) {
        throw new Error(`seed ${seed + runs}: ${(error as Error).message}`, { cause: error });
      }
    }
  }
  return runs;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const seed = Number(process.argv[3] ?? Date.now() % 1e9);
  console.log(`${fuzz(Number(process.argv[2] ?? 60), seed)} runs from seed ${seed}`);
}
