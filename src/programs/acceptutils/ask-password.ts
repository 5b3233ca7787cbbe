import { spawnSync } from "node:child_process";
import { isatty } from "node:tty";
import { Secret } from "../../protocol/checkpassword/secret.ts";
import { type Command, Problem } from "./verb.ts";

/** What SCRAM's and checkpassword's readers have room for, and more than anybody types. */
const longestOctets = 256;

/**
 * A password from the terminal, asked for twice and not echoed; or the first line of descriptor 0 when that is no
 * terminal. Undefined when nothing was typed: the caller makes one up. A program that gives none has failed, and there
 * may be nobody to see what would be made up. Throws Problem.
 */
export async function askPassword(what: string, command: Command): Promise<Secret | undefined> {
  if (!isatty(0)) {
    const given = await readLine(command);
    if (given !== undefined) return given;
    throw new Problem("the password on standard input is empty; --generate makes one up");
  }
  const first = await askHidden(`${what} (none: one is made up): `, command);
  if (first === undefined) return undefined;
  using again = await askHidden("once more: ", command);
  if (again !== undefined && Buffer.compare(first.reveal(), again.reveal()) === 0) return first;
  first.wipe();
  throw new Problem("the two are not the same; nothing was changed");
}

async function askHidden(prompt: string, command: Command): Promise<Secret | undefined> {
  await command.system.output(1).write(Buffer.from(prompt));
  const stty = (word: string) => spawnSync("stty", [word], { stdio: [0, "ignore", "ignore"] });
  const restore = () => {
    stty("echo");
    process.exit(130);
  };
  process.once("SIGINT", restore);
  stty("-echo");
  try {
    return await readLine(command);
  } finally {
    stty("echo");
    process.off("SIGINT", restore);
    await command.say();
  }
}

/** One line of descriptor 0, without its end. Every copy but the result is wiped. */
async function readLine({ system }: Command): Promise<Secret | undefined> {
  const line = Buffer.alloc(longestOctets + 1);
  let filled = 0;
  try {
    for (let ended = false; !ended; ) {
      const chunk = await system.input(0).read();
      if (chunk === null) break;
      const end = chunk.indexOf(10);
      ended = end >= 0;
      const part = ended ? chunk.subarray(0, end) : chunk;
      if (filled + part.length > longestOctets)
        throw new Problem(`a password has at most ${longestOctets} octets`);
      line.set(part, filled);
      filled += part.length;
      chunk.fill(0);
    }
    if (line[filled - 1] === 13) filled--; // typed on a machine that ends lines so
    if (line.subarray(0, filled).includes(0))
      throw new Problem("a password cannot have the octet 0 in it: checkpassword ends it there");
    return filled === 0 ? undefined : new Secret(Buffer.from(line.subarray(0, filled)));
  } finally {
    line.fill(0);
  }
}
