import { addTlsHeader } from "../../filters/addtlsheader.ts";
import { Closed, codeOf, type Input, type System } from "../../system/system.ts";

/** `failed`: the message could not be read or written. */
export const exit = { done: 0, failed: 51 } as const;

/** Copies descriptor 0 to 1 behind the line that names the client's TLS. qmail-qfilter-addtlsheader(8) */
export async function main(_args: readonly string[], system: System): Promise<number> {
  const output = system.output(1);
  try {
    const message = addTlsHeader(chunksOf(system.input(0)), { env: system.env, now: system.now() });
    for await (const chunk of message) await output.write(chunk);
    await output.flush();
    return exit.done;
  } catch (error) {
    if (!(error instanceof Closed) && codeOf(error) === "") throw error;
    return exit.failed;
  }
}

async function* chunksOf(input: Input): AsyncGenerator<Uint8Array> {
  for (let chunk = await input.read(); chunk !== null; chunk = await input.read()) yield chunk;
}
