/**
 * A word in a server's chain that becomes somebody: `s6-setuidgid qmaild`, `setuidgid qmaild`. In a worker no program can
 * become anybody, so the worker that runs the chain is that user from its start, and the words go.
 */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseAccounts, thisMachine } from "../../system/home/accounts.ts";
import type { System } from "../../system/system.ts";
import { programNames } from "../table.ts";

export interface IdentityInChain {
  readonly uid: number;
  readonly gid: number;
  /** The chain without these words. */
  readonly argv: readonly string[];
}

const becoming = /^(s6-)?setuidgid$/;
/** Before the user is known, or for programs of others, the words are theirs. */
const asking = /^(authup|checkpassword)$/;

/** Undefined when there is no such word, or none that we can do; the program then speaks for itself. */
export function identityInChain(
  argv: readonly string[],
  system: Pick<System, "home" | "uids">,
): IdentityInChain | undefined {
  const names = argv.map((word) => basename(word));
  const at = names.findIndex((name) => becoming.test(name) || asking.test(name));
  if (at < 0 || !becoming.test(names[at]!)) return undefined;
  if (at > 0 && !programNames.includes(names[0]!)) return undefined;
  const account = accountOf(argv[at + 1] ?? "", system);
  if (account === undefined || account.uid === 0) return undefined;
  // Without root everybody of a home is us, and s6-setuidgid itself could not even become that.
  const { effective } = system.uids();
  if (effective !== 0 && effective !== account.uid) return undefined;
  return { ...account, argv: [...argv.slice(0, at), ...argv.slice(at + 2)] };
}

/** An account of the home folder, else of the machine; or two numbers, as s6-setuidgid takes them. */
function accountOf(name: string, system: Pick<System, "home">): { uid: number; gid: number } | undefined {
  const [, uid, gid] = /^(\d{1,9}):(\d{1,9})$/.exec(name) ?? [];
  if (uid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return undefined;
  return homeAccounts(system.home()).get(name) ?? thisMachine.account(name);
}

function homeAccounts(home: string): ReturnType<typeof parseAccounts> {
  try {
    return parseAccounts(readFileSync(join(home, "users", "accounts"), "latin1"));
  } catch {
    return new Map(); // an installed qmail, whose accounts are the machine's
  }
}
