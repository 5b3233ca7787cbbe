/**
 * What is asked of the machine's own libraries, as plain data: they block, so a process that serves sessions has it
 * done by a helper (helpers.ts), and a program that has nothing else to do does it itself.
 */
import { timingSafeEqual } from "node:crypto";
import { type Told, tellBlocklist } from "./libblocklist.ts";
import { crypt } from "./libcrypt.ts";
import { authenticate, type PamLogin } from "./libpam.ts";
import { NoAnswer, type PasswdEntry, passwdEntry, shadowEntry, shadowHashes } from "./passwd.ts";

export type Deed =
  /** Is the secret what this hash was made of? crypt(3) */
  | { readonly do: "crypt"; readonly hash: string }
  /** An account, and the hash that its password is to be compared with. passwd(5), shadow(5) */
  | { readonly do: "lookUp"; readonly user: string }
  /** A login through PAM. */
  | ({ readonly do: "pam"; readonly keepDelay: boolean } & PamLogin)
  /** Tells blocklistd(8), with a socket of the service, which comes with it. */
  | ({ readonly do: "blocklist"; readonly library: string } & Told);

/** An account of the system that may log in. All text is latin1. */
export interface SystemAccount {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface Outcome {
  readonly right?: boolean;
  /** Undefined when there is none, or it is locked, has expired or is uid 0. */
  readonly account?: SystemAccount | undefined;
  /** There is always one: of an account that is none, a hash as dear as the usual ones, which nobody matches. */
  readonly hash?: string;
  /** Why there is no answer. */
  readonly unable?: string;
}

export type Perform = (deed: Deed, secret?: Uint8Array) => Promise<Outcome>;

/** Does it here and now, and blocks meanwhile. */
export function perform(deed: Deed, secret: Uint8Array = new Uint8Array(), socket = -1): Outcome {
  try {
    switch (deed.do) {
      case "crypt":
        return { right: matches(secret, deed.hash) };
      case "lookUp":
        return lookUp(deed.user);
      case "pam": {
        const verdict = authenticate(deed, secret, deed);
        if ("unable" in verdict) return verdict;
        if (verdict.user === undefined) return { right: false };
        return { right: true, account: accountOf(passwdEntry(verdict.user), verdict.user) };
      }
      case "blocklist":
        return told(deed, socket);
      default:
        return deed satisfies never;
    }
  } catch (error) {
    if (error instanceof NoAnswer || error instanceof RangeError) return { unable: error.message };
    throw error;
  }
}

function told(deed: Deed & { do: "blocklist" }, socket: number): Outcome {
  try {
    tellBlocklist(deed.library, deed, socket);
    return {};
  } catch (error) {
    return { unable: (error as Error).message };
  }
}

function matches(secret: Uint8Array, hash: string): boolean {
  if (secret.includes(0)) return false;
  const made = crypt(secret, hash);
  if (made === undefined || made.length !== hash.length) return false;
  return timingSafeEqual(Buffer.from(made, "latin1"), Buffer.from(hash, "latin1"));
}

function accountOf(entry: PasswdEntry | undefined, user: string): SystemAccount | undefined {
  if (entry === undefined || entry.uid === 0) return undefined;
  const { uid, gid, home, shell } = entry;
  return { user, uid, gid, home, shell };
}

const msPerDay = 86_400_000;

function lookUp(user: string): Outcome {
  const entry = passwdEntry(user);
  // Asked for also when there is no such user: both databases take their time.
  const shadow = shadowEntry(user);
  const hash = shadow?.hash ?? entry?.hash ?? "";
  const expired = shadow?.expires !== undefined && Date.now() / msPerDay >= shadow.expires;
  const account = isHash(hash) && !expired ? accountOf(entry, user) : undefined;
  return account === undefined ? { hash: usualDummy() } : { account, hash };
}

/** `!`, `*`, `x` and nothing at all stand for an account that no password opens. */
const isHash = (hash: string) => /^[$_./0-9A-Za-z][^!*]{12,}$/.test(hash);

/** What costs as much as the hashes that most accounts of this machine have, and is the hash of nothing. */
function usualDummy(): string {
  const kinds = new Map<string, { count: number; hash: string }>();
  for (const hash of shadowHashes().filter(isHash)) {
    const kind = kinds.get(kindOf(hash)) ?? { count: 0, hash };
    kinds.set(kindOf(hash), { ...kind, count: kind.count + 1 });
  }
  const [usual] = [...kinds.values()].sort((a, b) => b.count - a.count);
  return unmatchable(usual?.hash ?? yescrypt);
}

/** Scheme and cost: of `$scheme$cost$salt$tag` all but salt and tag. */
const kindOf = (hash: string) => (hash.startsWith("$") ? hash.split("$").slice(0, -2).join("$") : hash[0]!);

/** The scheme of Debian since 11, at its usual cost. crypt(5) */
const yescrypt = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$tnSYvahCwPBHKZUspmcxMfb0.WiB9W.zEaKlOBL35rC";

/** The same hash with its last character, which is of the tag, cut off: nothing that is computed is as short. */
export const unmatchable = (hash: string) => hash.slice(0, -1);
