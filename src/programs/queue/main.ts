/**
 * qmail-queue: takes one message (descriptor 0) and its envelope (descriptor 1), and answers 0 when neither can be
 * lost any more. qmail-queue(8)
 */
import { readServiceUids } from "../../control/accounts.ts";
import { parseEnvelope } from "../../protocol/queue/envelope.ts";
import { exitOf, Submission } from "../../system/queue/submission.ts";
import { CannotOpen, codeOf, type System, TimedOut } from "../../system/system.ts";

/** What else we say: see also envelope.ts and submission.ts. */
export const exit = { tooLong: 11, timeout: 52, readError: 54, bug: 81 } as const;

/** As long as all of a message may take to come. */
const deadlineSeconds = 24 * 3600;
/** Room for 10,000 recipients of usual length; an envelope is held in memory. */
const maximumEnvelopeOctets = 2 ** 20;

/** Queues one message. Returns 0 when it is in the queue and on disk, else the exit code that says why not. */
export function main(_args: readonly string[], system: System): Promise<number> {
  return queueMessage(system, "");
}

/** The same for a message with `top`, as latin1, before what comes on descriptor 0. */
export async function queueMessage(system: System, top: string): Promise<number> {
  const submission = new Submission(`${system.home()}/queue`);
  try {
    const message = system.input(0);
    if (top !== "") await submission.write(Buffer.from(top, "latin1"));
    for (let chunk = await message.read(deadlineSeconds); chunk !== null; ) {
      const room = submission.write(chunk);
      if (room !== undefined) await room;
      chunk = await message.read(deadlineSeconds);
    }
    const envelope = await readEnvelope(system);
    const parsed = envelope === undefined ? { exit: exit.tooLong } : parseEnvelope(envelope);
    if ("exit" in parsed || envelope === undefined) {
      await submission.discard();
      return "exit" in parsed ? parsed.exit : exit.tooLong;
    }
    const handover = { pid: String(system.pid), authenticated: system.env.has("AUTHUP_USER"), envelope };
    return await submission.finish(handover, system.uids().real, () => readServiceUids(system));
  } catch (error) {
    await submission.discard();
    if (error instanceof TimedOut) return exit.timeout;
    if (error instanceof CannotOpen || codeOf(error) === "EISDIR") return exit.readError;
    const code = exitOf(error);
    system.log(`qmail-queue: ${code === undefined ? (error as Error).stack : (error as Error).message}`);
    return code ?? exit.bug;
  }
}

async function readEnvelope(system: System): Promise<Uint8Array | undefined> {
  const input = system.input(1);
  const chunks: Uint8Array[] = [];
  let octets = 0;
  for (;;) {
    const chunk = await input.read(deadlineSeconds);
    if (chunk === null) return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    chunks.push(chunk);
    octets += chunk.length;
    if (octets > maximumEnvelopeOctets) return undefined;
  }
}
