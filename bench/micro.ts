/**
 * `node boot.mjs --run bench/micro.ts`: what the pure parts cost by themselves, in a second or two. Without sockets
 * and other processes the figures move little: for comparing a change with what was before. See also fixsmtpio.ts.
 */
import { MultiLine } from "../src/protocol/pop3/multi-line.ts";
import { begin } from "../src/protocol/sasl/exchange.ts";
import { CommandReader } from "../src/protocol/smtp/command.ts";
import { DataDecoder } from "../src/protocol/smtp/dot-unstuffing.ts";
import { HopCounter } from "../src/protocol/smtp/hops.ts";
import { messageOf } from "./load/message.ts";

const cpuMilliseconds = 300;
const wire = messageOf(64 * 1024);
const content = Buffer.from(wire.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
const lines = Buffer.from(
  "NOOP\r\nMAIL FROM:<alice@bench.example>\r\nRCPT TO:<bob@bench.example>\r\n".repeat(100),
);
const plain = Buffer.from("PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2UgYmF0dGVyeSBzdGFwbGU=");

/** Things done by one call, and the call. */
const parts: readonly [name: string, unit: string, each: number, run: () => unknown][] = [
  ["dot-unstuffing", "MB/s", wire.length / 1e6, () => new DataDecoder().take(wire)],
  ["dot-stuffing", "MB/s", content.length / 1e6, () => new MultiLine(undefined).push(content)],
  ["hops of a message", "messages/s", 1, () => new HopCounter().take(content)],
  ["SMTP commands", "lines/s", 300, readCommands],
  ["AUTH PLAIN", "exchanges/s", 1, () => begin(plain)],
];

for (const [name, unit, each, run] of parts) {
  spend(run, cpuMilliseconds / 3); // the compiler has seen it
  const { calls, seconds } = spend(run, cpuMilliseconds);
  console.log(
    `${name.padEnd(20)} ${Math.round((calls * each) / seconds)
      .toLocaleString("en")
      .padStart(12)} ${unit}`,
  );
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
