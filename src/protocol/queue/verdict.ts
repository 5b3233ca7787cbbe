/** What became of a message that was handed to qmail-queue, in words for the client. Source: qmail's qmail.c. */

/** The reply to a message that was not queued: 554 for good, 451 for now. */
export interface Refusal {
  readonly code: 451 | 554;
  readonly text: string;
}

const forGood = (text: string): Refusal => ({ code: 554, text });
const forNow = (text: string): Refusal => ({ code: 451, text });

/** A write to qmail-queue failed, or it could not read all it wanted. */
export const readError = forNow("qq read error (#4.3.0)");
export const crashed = forNow("qq crashed (#4.3.0)");

/** The exit code of qmail-queue that comes with words of its own, on descriptor 6. */
export const customExit = 82;
/** The exit code that stands for a qmail-queue that cannot be run. */
export const cannotRunExit = 120;
/** Words on descriptor 6 are read up to here. */
export const maximumCustomOctets = 255;

const byExit: ReadonlyMap<number, Refusal> = new Map([
  [11, forGood("envelope address too long for qq (#5.1.3)")],
  [115, forGood("envelope address too long for qq (#5.1.3)")],
  [31, forGood("mail server permanently rejected message (#5.3.0)")],
  [51, forNow("qq out of memory (#4.3.0)")],
  [52, forNow("qq timeout (#4.3.0)")],
  [53, forNow("qq write error or disk full (#4.3.0)")],
  [54, readError],
  [55, forNow("qq unable to read configuration (#4.3.0)")],
  [56, forNow("qq trouble making network connection (#4.3.0)")],
  [61, forNow("qq trouble in home directory (#4.3.0)")],
  [62, forNow("qq trouble creating files in queue (#4.3.0)")],
  [63, forNow("qq trouble creating files in queue (#4.3.0)")],
  [64, forNow("qq trouble creating files in queue (#4.3.0)")],
  [65, forNow("qq trouble creating files in queue (#4.3.0)")],
  [66, forNow("qq trouble creating files in queue (#4.3.0)")],
  [71, forNow("mail server temporarily rejected message (#4.3.0)")],
  [72, forNow("connection to mail server timed out (#4.4.1)")],
  [73, forNow("connection to mail server rejected (#4.4.1)")],
  [74, forNow("communication with mail server failed (#4.4.2)")],
  [81, forNow("qq internal bug (#4.3.0)")],
  [91, forNow("qq internal bug (#4.3.0)")],
  [cannotRunExit, forNow("unable to exec qq (#4.3.0)")],
]);

/**
 * The refusal that an exit code of qmail-queue stands for; undefined for 0, the message is queued.
 * `words` is what it wrote to descriptor 6, which counts with exit code 82 alone.
 */
export function refusalOf(exit: number, words: Uint8Array = new Uint8Array()): Refusal | undefined {
  if (exit === 0) return undefined;
  if (exit === customExit) return customRefusal(words) ?? temporary;
  if (exit >= 11 && exit <= 40) return byExit.get(exit) ?? permanent;
  return byExit.get(exit) ?? temporary;
}

const permanent = forGood("qq permanent problem (#5.3.0)");
const temporary = forNow("qq temporary problem (#4.3.0)");

/** `D` or `Z`, then text. Control bytes could end the reply and begin another: they become spaces. */
function customRefusal(words: Uint8Array): Refusal | undefined {
  if (words.length <= 2) return undefined;
  const text = Buffer.from(words.subarray(0, maximumCustomOctets)).toString("latin1");
  const printable = text
    .slice(1)
    .replace(/[\x00-\x1f\x7f]+/g, " ")
    .trim();
  if (printable === "") return undefined;
  return text.startsWith("D") ? forGood(printable) : forNow(printable);
}
