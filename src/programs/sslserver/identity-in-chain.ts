/**
 * A word in a server's chain that becomes somebody: `s6-setuidgid qmaild`, `setuidgid qmaild`, `s6-applyuidgid -u 7 -g 8`.
 * In a worker no program can become anybody, so the worker that runs the chain is that user from its start, and the
 * words go.
 */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseAccounts, thisMachine } from "../../system/home/accounts.ts";
import type { System } from "../../system/system.ts";
import { getopt, Misused } from "../getopt.ts";
import { programNames } from "../table.ts";

export interface IdentityInChain {
  readonly uid: number;
  readonly gid: number;
  /** Beside the gid; undefined: nothing is said of them. */
  readonly groups?: readonly number[];
  /** Variables that said who it is, and are not for the programs. */
  readonly unset?: readonly string[];
  /** The chain without these words. */
  readonly argv: readonly string[];
}

const becoming = /^((s6-)?setuidgid|s6-applyuidgid)$/;
/** Before the user is known, or for programs of others, the words are theirs. */
const asking = /^(authup|checkpassword)$/;

/** Undefined when there is no such word, or none that we can do; the program then speaks for itself. */
export function identityInChain(
  argv: readonly string[],
  system: Pick<System, "home" | "uids" | "env">,
): IdentityInChain | undefined {
  const names = argv.map((word) => basename(word));
  const at = names.findIndex((name) => becoming.test(name) || asking.test(name));
  if (at < 0 || !becoming.test(names[at]!)) return undefined;
  if (at > 0 && !programNames.includes(names[0]!)) return undefined;
  const after = argv.slice(at + 1);
  const become = names[at] === "s6-applyuidgid" ? applied(after, system.env) : named(after, system);
  if (become === undefined || become.uid === 0 || become.gid === 0) return undefined;
  // Without root everybody of a home is us, and s6-setuidgid itself could not even become that.
  const { effective } = system.uids();
  if (effective !== 0 && effective !== become.uid) return undefined;
  return { ...become, argv: [...argv.slice(0, at), ...become.argv] };
}

function named([name = "", ...argv]: readonly string[], system: Pick<System, "home">) {
  const account = accountOf(name, system);
  return account && { uid: account.uid, gid: account.gid, argv };
}

/** undefined: it says itself what is wrong with them. */
function optionsOf(words: readonly string[]): ReturnType<typeof getopt> | undefined {
  try {
    return getopt(words, "zUu:g:G:");
  } catch (error) {
    if (error instanceof Misused) return undefined;
    throw error;
  }
}

/** The words of s6-applyuidgid. Source: s6's documentation of it. */
function applied(words: readonly string[], env: ReadonlyMap<string, string>): IdentityInChain | undefined {
  const options = optionsOf(words);
  if (options === undefined) return undefined;
  const { given, rest } = options;
  const said = new Map(given.map(({ letter, value }) => [letter, value]));
  const from = (letter: string, variable: string) =>
    said.get(letter) ?? (said.has("U") ? env.get(variable) : undefined) ?? "";
  const [uid, gid, groups] = [from("u", "UID"), from("g", "GID"), from("G", "GIDLIST")];
  if (![uid, gid].every((text) => /^\d{1,9}$/.test(text)) || !/^(\d{1,9}(,\d{1,9})*)?$/.test(groups))
    return undefined;
  return {
    uid: Number(uid),
    gid: Number(gid),
    groups: groups === "" ? [] : groups.split(",").map(Number),
    unset: said.has("z") ? ["UID", "GID", "GIDLIST"] : [],
    argv: rest,
  };
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
