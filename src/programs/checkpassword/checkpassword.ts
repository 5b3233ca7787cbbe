/** checkpassword, whoever knows the passwords: descriptor 3, the verdict, the user, the next program. */
import { atOnce, Unable } from "../../auth/backend.ts";
import { exit, verifyFields } from "../../control/verify-fields.ts";
import { acceptedLine } from "../../protocol/checkpassword/accepted-line.ts";
import { maximumOctets } from "../../protocol/checkpassword/fields.ts";
import { surroundingsOf } from "../../system/backends/surroundings.ts";
import { openBackend } from "../../system/backends/table.ts";
import {
  type Account,
  CannotOpen,
  CannotRun,
  codeOf,
  type Input,
  type Program,
  type System,
} from "../../system/system.ts";

/** The program `name`, which asks the backend of that name. */
export const checkpassword =
  (name: string): Program =>
  async (words, system) => {
    if (words.length === 0) {
      system.log(`${name}: usage: ${name} prog`);
      return exit.misused;
    }
    const bytes = Buffer.alloc(maximumOctets + 1);
    try {
      const verdict = await ask(name, system, bytes.subarray(0, await readInto(bytes, system.input(3))));
      if (typeof verdict === "number") return verdict;
      if (!become(name, verdict, system)) return exit.temporary;
      system.log(acceptedLine(system.pid, verdict.user));
      return await system.exec(words);
    } catch (error) {
      if (!(error instanceof CannotOpen || error instanceof CannotRun || error instanceof Unable))
        throw error;
      system.log(`${name}: ${error.message}`);
      return exit.temporary;
    } finally {
      bytes.fill(0);
    }
  };

async function ask(name: string, system: System, bytes: Uint8Array): Promise<Account | number> {
  const backend = await openBackend(name, surroundingsOf(system.home()));
  try {
    const client = system.env.get("TCPREMOTEIP") ?? "";
    return await verifyFields(bytes, client, (question) => backend.verify(question, atOnce));
  } finally {
    backend.close?.();
  }
}

function become(name: string, account: Account, system: System): boolean {
  try {
    system.become(account);
    return true;
  } catch (error) {
    if (!(error instanceof CannotOpen) && codeOf(error) === "") throw error;
    system.log(`${name}: unable to become uid ${account.uid}: ${(error as Error).message}`);
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
