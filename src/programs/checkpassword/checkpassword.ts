/** checkpassword, whoever knows the passwords: descriptor 3, the verdict, the user, the next program. */
import { atOnce, type Backend, Unable } from "../../auth/backend.ts";
import { type Conversation, readDescriptor3 } from "../../auth/descriptor-3.ts";
import { converse, Gone } from "../../auth/sasl/converse.ts";
import { exit, verifyFields } from "../../control/verify-fields.ts";
import { acceptedLine } from "../../protocol/checkpassword/accepted-line.ts";
import { surroundingsOf } from "../../system/backends/surroundings.ts";
import { openBackend } from "../../system/backends/table.ts";
import {
  type Account,
  CannotOpen,
  CannotRun,
  Closed,
  codeOf,
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
    try {
      const verdict = await ask(name, system);
      if (typeof verdict === "number") return verdict;
      if (!become(name, verdict, system)) return exit.temporary;
      system.log(acceptedLine(system.pid, verdict.user));
      return await system.exec(words);
    } catch (error) {
      if (error instanceof Gone || error instanceof Closed) return exit.unacceptable; // nobody waits for an answer
      if (!(error instanceof CannotOpen || error instanceof CannotRun || error instanceof Unable))
        throw error;
      system.log(`${name}: ${error.message}`);
      return exit.temporary;
    }
  };

async function ask(name: string, system: System): Promise<Account | number> {
  const given = await readDescriptor3(system);
  const backend = await openBackend(name, surroundingsOf(system.home()));
  try {
    if ("conversation" in given) return await talk(given.conversation, backend, system);
    const client = system.env.get("TCPREMOTEIP") ?? "";
    return await verifyFields(given.fields, client, (question) => backend.verify(question, atOnce));
  } finally {
    if ("fields" in given) given.fields.fill(0);
    backend.close?.();
  }
}

async function talk(client: Conversation, { stored }: Backend, system: System): Promise<Account | number> {
  if (stored === undefined) return exit.unacceptable;
  const judge = (_user: string, work: () => Promise<boolean>) => work();
  const verdict = await converse(client.opening, client, { stored, judge });
  if (verdict === "malformed") await client.say("malformed");
  else if ("refused" in verdict) await client.say(verdict);
  else {
    await client.say({ accepted: verdict.user });
    // A name is UTF-8; the environment holds text, and writes the same octets for it.
    system.env.set("AUTHUP_USER", Buffer.from(verdict.user, "latin1").toString("utf8"));
  }
  await client.close();
  return verdict !== "malformed" && "account" in verdict ? verdict.account : exit.unacceptable;
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
