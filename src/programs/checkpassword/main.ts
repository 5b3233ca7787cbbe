import { exit, verifyFields } from "../../control/verify-fields.ts";
import { acceptedLine } from "../../protocol/checkpassword/accepted-line.ts";
import { maximumOctets } from "../../protocol/checkpassword/fields.ts";
import { type Account, CannotOpen, CannotRun, codeOf, type Input, type System } from "../../system/system.ts";

const usage = "checkpassword: usage: checkpassword prog";

/** Runs prog as the user whose name and password are on descriptor 3. checkpassword(8) */
export async function main(words: readonly string[], system: System): Promise<number> {
  if (words.length === 0) {
    system.log(usage);
    return exit.misused;
  }
  const bytes = Buffer.alloc(maximumOctets + 1);
  try {
    const verdict = await verifyFields(system, bytes.subarray(0, await readInto(bytes, system.input(3))));
    if (typeof verdict === "number") return verdict;
    if (!become(verdict, system)) return exit.temporary;
    system.log(acceptedLine(system.pid, verdict.user));
    return await system.exec(words);
  } catch (error) {
    if (!(error instanceof CannotOpen || error instanceof CannotRun)) throw error;
    system.log(`checkpassword: ${error.message}`);
    return exit.temporary;
  } finally {
    bytes.fill(0);
  }
}

function become(account: Account, system: System): boolean {
  try {
    system.become(account);
    return true;
  } catch (error) {
    if (!(error instanceof CannotOpen) && codeOf(error) === "") throw error;
    system.log(`checkpassword: unable to become uid ${account.uid}: ${(error as Error).message}`);
    return false;
  }
}

/** Fills `bytes` from descriptor 3, which is closed then: the next program must not find it. Returns how far. */
async function readInto(bytes: Uint8Array, input: Input): Promise<number> {
  let filled = 0;
  try {
    for (;;) {
      const chunk = await input.read();
      if (chunk === null || filled === bytes.length) return filled;
      const taken = chunk.subarray(0, bytes.length - filled);
      bytes.set(taken, filled);
      filled += taken.length;
      chunk.fill(0);
    }
  } finally {
    input.close();
  }
}
