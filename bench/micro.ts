/**
 * What the pure parts cost by themselves, in a few seconds: `npm run bench -- --only micro --peers acceptutils`. Without
 * sockets and other processes these figures move little: for comparing a change with what was before.
 */
import { join } from "node:path";
import { rewriteReply } from "../src/protocol/fixsmtpio/rewrite.ts";
import { parseRules, type Rule } from "../src/protocol/fixsmtpio/rule.ts";
import { MultiLine } from "../src/protocol/pop3/multi-line.ts";
import { begin } from "../src/protocol/sasl/exchange.ts";
import { usualMechanisms } from "../src/protocol/sasl/mechanisms.ts";
import { CommandReader } from "../src/protocol/smtp/command.ts";
import { DataDecoder } from "../src/protocol/smtp/dot-unstuffing.ts";
import { HopCounter } from "../src/protocol/smtp/hops.ts";
import { rules as published } from "../src/system/home/fixsmtpio-rules.ts";
import { root } from "../tools/steps.ts";
import { messageOf } from "./load/message.ts";
import { type Start, startMilliseconds, told, withHome } from "./measure/native-start.ts";
import { differentRules, replies, wildcardRules } from "./replies.ts";

export interface Micro {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
}

const cpuMilliseconds = 60;
const wire = messageOf(64 * 1024);
const content = Buffer.from(wire.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
const lines = Buffer.from(
  "NOOP\r\nMAIL FROM:<alice@bench.example>\r\nRCPT TO:<bob@bench.example>\r\n".repeat(100),
);
const plain = Buffer.from("PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2UgYmF0dGVyeSBzdGFwbGU=");
const facts = { greeting: "mail.bench.example", offersStartTls: true };
const publishedRules = parseRules(published).rules;
/** A dot at each line's beginning, and the one that is put before it. */
const dotted = Buffer.from(`${`..${"x".repeat(68)}\r\n`.repeat(900)}.\r\n`);

/** Things done by one call, and the call. */
const parts: readonly [name: string, unit: string, each: number, run: () => unknown][] = [
  ["reference: a loop over octets", "MB/s", wire.length / 1e6, () => checksum(wire)],
  ["rules, the published: a new line", "lines/s", 1, () => rewriteNew(publishedRules)],
  ["rules, 1,000 of them: a new line", "lines/s", 1, () => rewriteNew(differentRules)],
  ["rules, 1,000 that begin with a wildcard: a new line", "lines/s", 1, () => rewriteNew(wildcardRules)],
  ["dot-unstuffing", "MB/s", wire.length / 1e6, () => new DataDecoder().take(Buffer.from(wire))],
  [
    "dot-unstuffing, a dot in each line",
    "MB/s",
    dotted.length / 1e6,
    () => new DataDecoder().take(Buffer.from(dotted)),
  ],
  ["dot-stuffing", "MB/s", content.length / 1e6, () => new MultiLine(undefined).push(content)],
  ["hops of a message", "messages/s", 1, () => new HopCounter().take(content)],
  ["SMTP commands", "lines/s", 300, readCommands],
  ["base64 and SASL: AUTH PLAIN", "exchanges/s", 1, () => begin(plain, usualMechanisms)],
];

const usage = (program: string) => ({
  status: 1,
  stderr: new RegExp(`^${program}: usage: ${program} .*\n$`),
});

/** Programs, and how each ends at once: without arguments, or with nothing to read. */
const ends: readonly [program: string, Pick<Start, "told" | "ends">][] = [
  ["checknotroot", { ends: usage("checknotroot") }],
  ["qmail-smtpd", { told }],
  ["qmail-queue", { ends: { status: 54, stderr: /^$/ } }],
  ["fixsmtpio", { ends: usage("fixsmtpio") }],
  ["authup", { ends: usage("authup") }],
];

/** Each part, so many times. Throws Failed when a program does not end as it should. */
export function microFigures(rounds: number): Micro[] {
  const figures = parts.map(([name, unit, each, run]) => {
    spend(run, cpuMilliseconds); // the compiler has seen it
    const once = () => {
      const { calls, seconds } = spend(run, cpuMilliseconds);
      return (calls * each) / seconds;
    };
    return { name, unit, values: Array.from({ length: rounds }, once) };
  });
  const starts = ends.map(([program, how]) => {
    const start = { argv: [join(root, "build", "bin", program)], times: 10, ...how };
    const once = () => withHome((env) => startMilliseconds(start, env));
    return {
      name: `exec of ${program}, natively`,
      unit: "ms CPU",
      values: Array.from({ length: rounds }, once),
    };
  });
  return [...figures, ...starts];
}

let sum = 0;
/** As fast as plain JavaScript goes here and now: the other parts are compared with it. */
function checksum(octets: Uint8Array): void {
  for (let at = 0; at < octets.length; at++) sum = (Math.imul(sum, 31) + octets[at]!) | 0;
}

let last = 0;
function rewriteNew(rules: readonly Rule[]): void {
  last = (last + 1) % replies.length;
  rewriteReply("ehlo", replies[last]!, rules, facts);
}

function readCommands(): void {
  const reader = new CommandReader();
  reader.give(lines);
  while (reader.next() !== undefined);
}

/** Calls `run` until so much CPU time has gone. */
function spend(run: () => unknown, milliseconds: number): { calls: number; seconds: number } {
  const before = process.cpuUsage();
  for (let calls = 0; ; ) {
    for (let at = 0; at < 20; at++) run();
    calls += 20;
    const { user, system } = process.cpuUsage(before);
    const spent = (user + system) / 1000;
    if (spent >= milliseconds) return { calls, seconds: spent / 1000 };
  }
}
