import type { ServiceUids } from "../protocol/queue/invoked.ts";
import { CannotOpen } from "../system/system.ts";
import { readUsers, type UsersReader } from "./users.ts";

/** The uids of qmail's own accounts. Whoever may not read them calls everybody by number. */
export async function readServiceUids(reader: UsersReader): Promise<ServiceUids> {
  try {
    const users = await readUsers(reader);
    const uidOf = (name: string) => users.get(name)?.uid;
    return { qmaild: uidOf("qmaild"), alias: uidOf("alias"), qmails: uidOf("qmails") };
  } catch (error) {
    if (error instanceof CannotOpen) return {};
    throw error;
  }
}
