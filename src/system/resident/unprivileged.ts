import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { CertificateFiles } from "./service.ts";

interface Identity {
  readonly uid: number;
  readonly gid: number;
}

const nobody: Identity = { uid: 65534, gid: 65534 };

/**
 * Who parses what strangers send, when a run script names nobody and we are root: the account `authup` of
 * users/accounts, else nobody.
 */
export function unprivilegedOf(home: string): Identity {
  return accountOf("authup", home) ?? nobody;
}

/** Who holds keys, when we are root: who the run script names, else the account `ucspissl`, else nobody. */
export function tlsAccountOf({ uid, gid }: Pick<CertificateFiles, "uid" | "gid">, home: string): Identity {
  const usual = accountOf("ucspissl", home) ?? nobody;
  return { uid: uid || usual.uid, gid: gid || usual.gid };
}

/** An account of the service, by its name. */
function accountOf(name: string, home: string): Identity | undefined {
  try {
    const accounts = readFileSync(join(home, "users", "accounts"), "latin1");
    const found = new RegExp(`^${name}:(\\d+):(\\d+)`, "m").exec(accounts);
    return found === null ? undefined : { uid: Number(found[1]), gid: Number(found[2]) };
  } catch {
    return undefined; // no home of ours: an installed qmail, whose accounts have no such user
  }
}
