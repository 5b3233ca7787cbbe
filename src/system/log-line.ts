import { writeSync } from "node:fs";
import { codeOf } from "./system.ts";

/**
 * A log line as its octets, with LF at the end and nowhere else: what is within may come from a client, by way of another
 * server's words for an error. Text beyond latin1 would lose the upper half of each character, so that U+010A became a
 * line end and U+0120 a blank, and with them a line of somebody else's making.
 */
export const lineOf = (text: string): Buffer => Buffer.from(lineTextOf(text), "latin1");

/** The same as latin1 text: lines that go together are made octets together. */
export const lineTextOf = (text: string): string => `${unsafe.test(text) ? oneLine(text) : text}\n`;

const unsafe = /[\0\r\n]|[^\x00-\xff]/;

/** Lines of an error's stack are shown one behind the other. */
const oneLine = (text: string) =>
  text.replaceAll(/\r?\n[ \t]*/g, " | ").replaceAll(/[\0\r]|[^\x00-\xff]/g, "?");

/** What the log could not take yet. */
let waiting: Buffer[] = [];
let waitingOctets = 0;
/** More is not kept: who reads so slowly has lost the thread. */
const mostWaiting = 1 << 20;
const againMs = 5;

/**
 * Lines go to the log of this process, descriptor 2. Whoever reads it may be behind: where that would be waited for, lines
 * are kept in order for a moment instead.
 */
export function writeLog(lines: Buffer): void {
  keep(waiting.length > 0 ? lines : unwritten(lines));
}

function keep(lines: Buffer): void {
  if (lines.length === 0 || waitingOctets + lines.length > mostWaiting) return;
  if (waiting.push(lines) === 1) setTimeout(writeAgain, againMs);
  waitingOctets += lines.length;
}

function writeAgain(): void {
  const lines = Buffer.concat(waiting);
  waiting = [];
  waitingOctets = 0;
  keep(unwritten(lines));
}

/** Writes; what is left is what there is no room for now. */
function unwritten(lines: Buffer): Buffer {
  let left = lines;
  try {
    while (left.length > 0) left = left.subarray(writeSync(2, left));
    return left;
  } catch (error) {
    // Else nobody reads the log: no reason to stop serving.
    return codeOf(error) === "EAGAIN" ? left : Buffer.alloc(0);
  }
}
