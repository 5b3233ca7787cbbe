/** The service accounts of a home folder, as the programs need them. */
import { resolve } from "node:path";
import type { ServiceUids } from "../protocol/queue/invoked.ts";
import { parseAccounts } from "../system/home/accounts.ts";
import { CannotOpen, type System } from "../system/system.ts";

/** The parts of a System that looking up accounts needs. */
export type AccountsReader = Pick<System, "readFile" | "home">;

/** The accounts of users/accounts, by name; none when there is no such file. Throws CannotOpen. */
export async function readAccounts(reader: AccountsReader): Promise<ReturnType<typeof parseAccounts>> {
  const bytes = await reader.readFile(resolve(reader.home(), "users", "accounts"));
  return parseAccounts(bytes === undefined ? "" : Buffer.from(bytes).toString("latin1"));
}

/** The uids of qmail's own accounts. Whoever may not read them calls everybody by number. */
export async function readServiceUids(reader: AccountsReader): Promise<ServiceUids> {
  try {
    const accounts = await readAccounts(reader);
    const uidOf = (name: string) => accounts.get(name)?.uid;
    return { qmaild: uidOf("qmaild"), alias: uidOf("alias"), qmails: uidOf("qmails") };
  } catch (error) {
    if (error instanceof CannotOpen) return {};
    throw error;
  }
}
