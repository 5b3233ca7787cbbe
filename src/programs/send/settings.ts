import { readServiceUids } from "../../control/accounts.ts";
import { lowerCase, readInteger, readLine, readLineOrMe, readList, setOf } from "../../control/control.ts";
import type { ServiceUids } from "../../protocol/queue/invoked.ts";
import { usualLifetimeSeconds } from "../../protocol/queue/schedule.ts";
import type { System } from "../../system/system.ts";

/** What qmail-send takes from control files. Source: qmail-send(8). */
export interface Settings {
  /** Our name: control/me. */
  readonly me: string;
  /** The host of an address without one: control/envnoathost, else me. */
  readonly envNoAtHost: string;
  readonly lifetimeSeconds: number;
  /** Deliveries at once; 0 holds them. */
  readonly concurrency: { readonly local: number; readonly remote: number };
  readonly bounceHost: string;
  readonly doubleBounceTo: string;
  /** True for hosts whose mail stays here: control/locals, else me. */
  isLocal(host: string): boolean;
  /** The user who gets the mail of a local name; undefined when nobody does. By control/recipients, when it is there. */
  userOf(localPart: string): string | undefined;
  readonly serviceUids: ServiceUids;
}

/** Reads them all. Throws CannotOpen. */
export async function readSettings(system: System): Promise<Settings> {
  const me = (await readLine(system, "me")) ?? "localhost";
  const locals = setOf((await readList(system, "locals")) ?? [me]);
  const recipients = await readList(system, "recipients");
  const users = recipients && new Map(recipients.map(recipientOf));
  const to = (await readLine(system, "doublebounceto")) ?? "postmaster";
  const host = (await readLineOrMe(system, "doublebouncehost")) ?? me;
  return {
    me,
    envNoAtHost: (await readLine(system, "envnoathost")) ?? me,
    lifetimeSeconds: await readInteger(system, "queuelifetime", usualLifetimeSeconds),
    concurrency: {
      local: await readInteger(system, "concurrencylocal", 10),
      remote: await readInteger(system, "concurrencyremote", 20),
    },
    bounceHost: (await readLine(system, "bouncehost")) ?? me,
    doubleBounceTo: `${to}@${host}`,
    isLocal: (name) => locals.has(name),
    userOf: (localPart) => (users === undefined ? lowerCase(localPart) : users.get(lowerCase(localPart))),
    serviceUids: await readServiceUids(system),
  };
}

/** `name` or `name:user`. */
function recipientOf(line: string): [string, string] {
  const [name = "", user = name] = line.split(":");
  return [lowerCase(name), lowerCase(user)];
}
