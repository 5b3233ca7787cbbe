import { usersFile, verify } from "../../control/users.ts";
import { type Fields, maximumOctets, parseFields } from "../../protocol/checkpassword/fields.ts";
import { CannotOpen, CannotRun, codeOf, type Input, type System } from "../../system/system.ts";

export const exit = { unacceptable: 1, misused: 2, temporary: 111 } as const;

const usage = "checkpassword: usage: checkpassword prog";

/** Runs prog as the user whose name and password are on descriptor 3. checkpassword(8) */
export async function main(words: readonly string[], system: System): Promise<number> {
  if (words.length === 0) {
    system.log(usage);
    return exit.misused;
  }
  try {
    const bytes = await readAll(system.input(3));
    if (bytes === "tooLong") return exit.unacceptable;
    const fields = parseFields(bytes);
    bytes.fill(0);
    if (fields === undefined) return exit.misused;
    return await become(fields, words, system);
  } catch (error) {
    if (!(error instanceof CannotOpen || error instanceof CannotRun)) throw error;
    system.log(`checkpassword: ${error.message}`);
    return exit.temporary;
  }
}

async function become(fields: Fields, words: readonly string[], system: System): Promise<number> {
  const account = await verify(system, fields.user, fields.secret);
  fields.secret.wipe();
  if (account === undefined) return exit.unacceptable;
  try {
    system.become(account);
  } catch (error) {
    if (!(error instanceof CannotOpen) && codeOf(error) === "") throw error;
    system.log(`checkpassword: unable to become the user of ${usersFile}: ${(error as Error).message}`);
    return exit.temporary;
  }
  return system.exec(words);
}

/** All of descriptor 3, which is closed then: the next program must not find it. */
async function readAll(input: Input): Promise<Uint8Array | "tooLong"> {
  const bytes = Buffer.alloc(maximumOctets);
  let filled = 0;
  try {
    for (;;) {
      const chunk = await input.read();
      if (chunk === null) return bytes.subarray(0, filled);
      const fits = filled + chunk.length <= maximumOctets;
      if (fits) bytes.set(chunk, filled);
      chunk.fill(0);
      if (!fits) {
        bytes.fill(0);
        return "tooLong";
      }
      filled += chunk.length;
    }
  } finally {
    input.close();
  }
}
