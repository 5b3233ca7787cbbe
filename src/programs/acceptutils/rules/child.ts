/** Asks a server what it says: the lines that rules are about. */
import { join } from "node:path";
import { linesOf, ReplyReader } from "../../../protocol/fixsmtpio/reply.ts";
import { visible } from "../../../protocol/fixsmtpio/visible.ts";
import { isHome } from "../../../system/home/make.ts";
import { CannotRun, type Child, Closed, type Input, type System, TimedOut } from "../../../system/system.ts";
import { homeFolder } from "../default-home.ts";
import { type Command, Problem } from "../verb.ts";

const patienceSeconds = 10;
const lastPatienceSeconds = 2;

/**
 * Runs `line`, words without quoting, and says `requests`, one at a time. Returns the reply to each, and the greeting
 * first: lines with their ends. Throws Problem when the server cannot be run, is silent, ends, or says no SMTP.
 */
export async function askServer(
  line: string,
  requests: readonly string[],
  command: Command,
): Promise<readonly (readonly string[])[]> {
  const words = line.split(" ").filter((word) => word !== "");
  const { system } = command;
  findPrograms(command);
  try {
    const server = await system.spawn(words, { wires: { 0: { toChild: true }, 1: { fromChild: true } } });
    const replies = new ReplyReader();
    const next = () => nextReply(words[0] ?? "", server.input(1), replies);
    try {
      const heard = [await next()];
      for (const request of requests) {
        await server.output(0).write(Buffer.from(request, "latin1"));
        heard.push(await next());
      }
      return heard;
    } finally {
      await end(server, system);
    }
  } catch (error) {
    if (error instanceof CannotRun) throw new Problem(error.message);
    if (error instanceof TimedOut)
      throw new Problem(`${words[0]} has said nothing for ${patienceSeconds} seconds`);
    if (error instanceof Closed) throw new Problem(`${words[0]} ended before it had answered`);
    throw error;
  }
}

/** The programs of the home folder are found by their names, as run scripts find them. */
function findPrograms(command: Command): void {
  const home = homeFolder(undefined, command);
  if (!isHome(home)) return;
  const { env } = command.system;
  env.set("ACCEPTUTILS_HOME", home);
  env.set("PATH", `${join(home, "bin")}:${env.get("PATH") ?? "/usr/local/bin:/usr/bin:/bin"}`);
}

/** One that does not want to end is not asked twice. */
async function end(server: Child, system: System): Promise<void> {
  server.output(0).close();
  server.kill("SIGTERM");
  const patience = system.sleep(lastPatienceSeconds);
  void patience.then(() => server.kill("SIGKILL"));
  await server.wait();
  patience.cancel();
}

async function nextReply(name: string, input: Input, replies: ReplyReader): Promise<readonly string[]> {
  for (;;) {
    const reply = replies.next();
    if (reply !== undefined) {
      const lines = linesOf(reply);
      if (/^[2-5][0-9]{2}[ \r\n]/.test(lines.at(-1) ?? "")) return lines;
      throw new Problem(`${name} said "${visible(lines[0] ?? "")}": that is no reply of an SMTP server`);
    }
    if (replies.tooLong) throw new Problem(`${name} goes on without an end: is that an SMTP server?`);
    const chunk = await input.read(patienceSeconds);
    if (chunk === null) throw new Problem(`${name} ended before it had answered`);
    replies.push(chunk);
  }
}
