import { writeSync } from "node:fs";

/**
 * A log line as its octets, with LF at the end and nowhere else: what is within may come from a client, by way of another
 * server's words for an error. Text beyond latin1 would lose the upper half of each character, so that U+010A became a
 * line end and U+0120 a blank, and with them a line of somebody else's making.
 */
export function lineOf(text: string): Buffer {
  return Buffer.from(`${unsafe.test(text) ? oneLine(text) : text}\n`, "latin1");
}

const unsafe = /[\0\r\n]|[^\x00-\xff]/;

/** Lines of an error's stack are shown one behind the other. */
const oneLine = (text: string) =>
  text.replaceAll(/\r?\n[ \t]*/g, " | ").replaceAll(/[\0\r]|[^\x00-\xff]/g, "?");

/** Lines go to the log of this process, descriptor 2. */
export function writeLog(lines: Buffer): void {
  try {
    writeSync(2, lines);
  } catch {
    // Nobody reads the log: no reason to stop serving.
  }
}
