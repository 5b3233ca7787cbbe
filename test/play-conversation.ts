/**
 * Dialogues of fixsmtpio's conversation, with a client at the left and a server at the right:
 *
 *     S: 220 hi          the server says
 *     c: 220 hi          the client hears
 *     C: NOOP            the client says
 *     s: NOOP            the server hears
 *     (TLS)  (new server)  (client ends)  (server ends)  (exit 14, at once)
 *
 * They are played once for every way in which the network may cut what is said.
 */
import assert from "node:assert/strict";
import { Conversation, type Outcome } from "../src/protocol/fixsmtpio/conversation.ts";
import { parseRules } from "../src/protocol/fixsmtpio/rule.ts";
import { RuleSet } from "../src/protocol/fixsmtpio/rule-set.ts";
import type { Options, Settings } from "../src/protocol/fixsmtpio/settings.ts";
import type { TlsLevel } from "../src/protocol/ucspi-tls/level.ts";

/** Who says each line of a dialogue, and who hears it. */
const marks = {
  "C:": "client says",
  "c:": "client hears",
  "S:": "server says",
  "s:": "server hears",
} as const;

export interface Scene {
  readonly rules?: string;
  readonly level?: TlsLevel;
  readonly env?: readonly string[];
  readonly options?: Options;
}

/** What a conversation is told in a scene. */
export function settingsOf({ rules = "", level = "unavailable", env = [], options = {} }: Scene): Settings {
  const parsed = parseRules(rules);
  assert.deepEqual(parsed.problems, []);
  return {
    rules: new RuleSet(parsed.rules),
    greeting: "mail.example.org",
    level,
    has: (name) => env.includes(name),
    options,
  };
}

/** A dialogue between a client, at the left, and a server. A backslash at the end means: no line end. */
function turnsOf(dialogue: string): { who: string; text: string }[] {
  const turns: { who: string; text: string }[] = [];
  for (const line of dialogue
    .trim()
    .split("\n")
    .map((text) => text.trim())) {
    const mark = line.slice(0, 2);
    const who = mark in marks ? marks[mark as keyof typeof marks] : line;
    const words = line.slice(3).replaceAll("\\n", "\n").replaceAll("\\r", "\r");
    const text = words.endsWith("\\") ? words.slice(0, -1) : words + "\r\n";
    const last = turns.at(-1);
    if (mark in marks && last?.who === who) last.text += text;
    else turns.push({ who, text: mark in marks ? text : "" });
  }
  return turns;
}

/** Plays a dialogue with every piece cut as `cut` says. */
function play(dialogue: string, scene: Scene, cut: (bytes: Buffer) => Iterable<Buffer>): void {
  const conversation = new Conversation(settingsOf(scene));
  const heard = { "client hears": "", "server hears": "" };
  let next: Outcome["next"];
  let queued = Buffer.alloc(0);
  const carryOut = (outcome: Outcome) => {
    heard["client hears"] += Buffer.from(outcome.toClient ?? []).toString("latin1");
    heard["server hears"] += Buffer.from(outcome.toServer ?? []).toString("latin1");
    next = outcome.next ?? next;
  };
  /** As the shell does: what cannot be used now is not read now. */
  const letClientSpeak = (chunk?: Buffer) => {
    queued = Buffer.concat([queued, chunk ?? Buffer.alloc(0)]);
    while (conversation.holds && conversation.hearsClient) carryOut(conversation.resume());
    if (!conversation.hearsClient || queued.length === 0) return;
    const now = queued;
    queued = Buffer.alloc(0);
    carryOut(conversation.fromClient(now));
  };
  for (const { who, text } of turnsOf(dialogue)) {
    const bytes = Buffer.from(text, "latin1");
    if (who === "client says") for (const chunk of cut(bytes)) letClientSpeak(chunk);
    else if (who === "server says")
      for (const chunk of cut(bytes)) {
        carryOut(conversation.fromServer(chunk));
        letClientSpeak();
      }
    else if (who === "client hears" || who === "server hears") {
      assert.equal(heard[who], text, who);
      heard[who] = "";
    } else if (who === "(new server)") {
      assert.equal(next?.do, "startAnew");
      next = undefined;
      conversation.serverStarted();
      letClientSpeak();
    } else if (who === "(client ends)") carryOut(conversation.clientEnded());
    else if (who === "(server ends)") carryOut(conversation.serverEnded());
    else if (who === "(TLS)") {
      assert.equal(next?.do, "startTls");
      queued = Buffer.alloc(0); // the shell's next input is another one
      conversation.tlsStarted();
    } else
      assert.equal(
        `(exit ${conversation.exitCode ?? "as the server"}${next?.do === "stop" ? ", at once" : ""})`,
        who,
      );
  }
  assert.deepEqual(heard, { "client hears": "", "server hears": "" }, "said to nobody's surprise");
}

type Cut = (bytes: Buffer) => Iterable<Buffer>;

/** Every way to cut what is said, none of it longer than so many octets. */
function* waysToCut(octets: number): Generator<readonly [way: string, cut: Cut]> {
  yield ["whole", (bytes) => [bytes]];
  yield ["byte by byte", (bytes) => Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))];
  for (let at = 1; at < octets; at++) {
    const inTwo: Cut = (bytes) =>
      [bytes.subarray(0, at), bytes.subarray(at)].filter(({ length }) => length > 0);
    yield [`in two after ${at}`, inTwo];
  }
}

/** Plays a dialogue in every cut. Throws an AssertionError that names the cut. */
export function playInEveryCut(dialogue: string, scene: Scene): void {
  const octets = Math.max(...turnsOf(dialogue).map(({ text }) => text.length));
  for (const [way, cut] of waysToCut(octets)) {
    try {
      play(dialogue, scene, cut);
    } catch (error) {
      throw new Error(`${way}: ${(error as Error).message}`, { cause: error });
    }
  }
}
