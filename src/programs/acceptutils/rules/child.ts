/** Asks a server what it says: the lines that rules are about. */
import { linesOf, ReplyReader } from "../../../protocol/fixsmtpio/reply.ts";
import { CannotRun, type Input } from "../../../system/system.ts";
import { type Command, Problem } from "../verb.ts";

const patienceSeconds = 10;

/**
 * Runs `line`, words without quoting, and says `requests`, one at a time. Returns the reply to each, and the greeting
 * first: lines with their ends. Throws Problem when the server cannot be run, or keeps silent.
 */
export async function askServer(
  line: string,
  requests: readonly string[],
  command: Command,
): Promise<readonly (readonly string[])[]> {
  const words = line.split(" ").filter((word) => word !== "");
  const { system } = command;
  try {
    const server = await system.spawn(words, { wires: { 0: { toChild: true }, 1: { fromChild: true } } });
    const replies = new ReplyReader();
    const next = () => nextReply(server.input(1), replies);
    try {
      const heard = [await next()];
      for (const request of requests) {
        await server.output(0).write(Buffer.from(request, "latin1"));
        heard.push(await next());
      }
      return heard;
    } finally {
      server.output(0).close();
      server.kill("SIGTERM");
      await server.wait();
    }
  } catch (error) {
    if (error instanceof CannotRun) throw new Problem(error.message);
    if (error instanceof Error && error.name === "TimedOut") throw new Problem(`${words[0]} keeps silent`);
    throw error;
  }
}

async function nextReply(input: Input, replies: ReplyReader): Promise<readonly string[]> {
  for (;;) {
    const reply = replies.next();
    if (reply !== undefined) return linesOf(reply);
    const chunk = await input.read(patienceSeconds);
    if (chunk === null) throw new Problem("the server ended before it had answered");
    replies.push(chunk);
  }
}
