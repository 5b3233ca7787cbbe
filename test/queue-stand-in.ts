/** A qmail-queue for dialogues: keeps what it was given, and ends as it was told. */
import type { Input, Program } from "../src/system/system.ts";

export interface Queued {
  /** Descriptors 0 and 1, as latin1 text. */
  readonly message: string;
  readonly envelope: string;
}

/** Writes `words` to descriptor 6 and exits with `exit`. */
export function queueStandIn(queued: Queued[], exit = 0, words = ""): Program {
  return async (_, system) => {
    const message = await allOf(system.input(0));
    const envelope = await allOf(system.input(1));
    queued.push({ message, envelope });
    if (words !== "") await system.output(6).write(Buffer.from(words, "latin1"));
    return exit;
  };
}

async function allOf(input: Input): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await input.read(); chunk !== null; chunk = await input.read()) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}
