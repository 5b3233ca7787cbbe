/**
 * `node boot.mjs --run bench/guesses.ts`: how long clients wait for a greeting while 40 others guess 2,000 passwords, on
 * the whole service as `npm start` has it. All guessers are of one network, so most of them hear 454: they are too many.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as later } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { startService } from "../test/clients/service.ts";

const [guesses, guessers] = [2000, 40];
const service = await startService();
const replies = new Map<string, number>();
let left = guesses;

/** Guesses on one connection until it is closed, and then on the next. */
async function guess(): Promise<void> {
  while (left > 0) {
    const socket = connectTls({
      port: service.port("submissions"),
      host: "127.0.0.1",
      rejectUnauthorized: false,
    });
    let asked = false;
    socket.on("error", () => {}); // the last try
    socket.on("data", (chunk: Buffer) => {
      const code = chunk.toString("latin1", 0, 3);
      if (asked) replies.set(code, (replies.get(code) ?? 0) + 1);
      if (left <= 0) {
        socket.destroy();
        return;
      }
      left -= 1;
      asked = true;
      const plain = Buffer.from(`\0alice\0guess ${left}`).toString("base64");
      socket.write(`AUTH PLAIN ${plain}\r\n`);
    });
    await new Promise((resolve) => socket.on("close", resolve));
  }
}

/** Milliseconds until the server greets. */
async function greeting(name: "smtp" | "submission"): Promise<number> {
  const started = performance.now();
  const socket = connect({ port: service.port(name), host: "127.0.0.1" });
  await once(socket, "data");
  socket.destroy();
  return performance.now() - started;
}

function shown(milliseconds: readonly number[]): string {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]?.toFixed(1);
  return `median ${at(0.5)} ms, 95% ${at(0.95)} ms, longest ${at(1)} ms, of ${sorted.length}`;
}

const quiet: number[] = [];
for (let at = 0; at < 100; at++) quiet.push(await greeting("submission"));
const under = { submission: [] as number[], smtp: [] as number[] };
let guessing = true;
const all = Promise.all(Array.from({ length: guessers }, guess)).then(() => {
  guessing = false;
});
while (guessing) {
  under.submission.push(await greeting("submission"));
  under.smtp.push(await greeting("smtp"));
  await later(50);
}
await all;
console.log(`greeting of submission, nobody guesses: ${shown(quiet)}`);
console.log(`greeting of submission, under guesses:  ${shown(under.submission)}`);
console.log(`greeting of smtp, under guesses:        ${shown(under.smtp)}`);
console.log(`answers: ${[...replies].map(([code, count]) => `${count} times ${code}`).join(", ")}`);
await service.stop();
