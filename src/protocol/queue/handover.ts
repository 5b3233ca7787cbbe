/**
 * What qmail-queue says of a message when all of it was sent: its own number, whether the session was
 * authenticated, and the envelope; and what it hears: an exit code.
 */

/** Said with the end of a message. */
export interface Handover {
  /** The number of qmail-queue's process, in decimal digits: `qp` in replies and logs. */
  readonly pid: string;
  readonly authenticated: boolean;
  /** As on descriptor 1. See envelope.ts */
  readonly envelope: Uint8Array;
}

/** The payload of the frame `end`. Throws RangeError when pid is no number. */
export function handoverBytes({ pid, authenticated, envelope }: Handover): Uint8Array[] {
  if (!pidForm.test(pid)) throw new RangeError("a pid has decimal digits");
  return [Buffer.from(`${pid}\0${authenticated ? "a" : "-"}\0`, "latin1"), envelope];
}

const pidForm = /^[0-9]{1,20}$/;

/** What a payload says; undefined when it is not one. */
export function parseHandover(payload: Uint8Array): Handover | undefined {
  const first = payload.indexOf(0);
  const second = payload.indexOf(0, first + 1);
  if (first < 0 || second < 0) return undefined;
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  const pid = bytes.toString("latin1", 0, first);
  const flag = bytes.toString("latin1", first + 1, second);
  if (!pidForm.test(pid) || (flag !== "a" && flag !== "-")) return undefined;
  return { pid, authenticated: flag === "a", envelope: bytes.subarray(second + 1) };
}
