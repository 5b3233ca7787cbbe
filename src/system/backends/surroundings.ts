import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Question, Unable } from "../../auth/backend.ts";
import { ControlError, type Kinds, settingsOf } from "../../control/settings-file.ts";
import {
  type KnownOf,
  NoAccount,
  type VirtualAccountSettings,
  virtualAccount,
} from "../../control/virtual-account.ts";
import type { Perform } from "../c-library/deeds.ts";
import { readFileCached } from "../files.ts";
import { type Account, codeOf, type System, systemWords } from "../system.ts";

/** What a backend needs of the host it runs in. */
export interface Surroundings extends Pick<System, "home" | "readFile"> {
  /** Has a library of the machine do what blocks. Throws Unable. */
  readonly perform: Perform;
  /** True where a process is one login: nobody else waits. */
  readonly alone: boolean;
}

/** The surroundings of a program that is one login, in the home folder `home`. */
export function surroundingsOf(home: string): Surroundings {
  return {
    home: () => home,
    readFile: async (path) => readFileCached(path, resolve(home, path)),
    perform: async (deed, secret) => (await import("../c-library/alone.ts")).performAlone(deed, secret),
    alone: true,
  };
}

/** The settings in control/NAME, as they are now; without the file, those that go without saying. Throws Unable. */
export async function settingsFor<Settings>(
  { home, readFile }: Surroundings,
  name: string,
  kinds: Kinds<Settings>,
): Promise<Settings> {
  const path = join(home(), "control", name);
  try {
    return settingsOf(path, await readFile(path), kinds);
  } catch (error) {
    if (error instanceof ControlError) throw new Unable(error.message, { cause: error });
    throw error;
  }
}

/** Only POP3 has a time stamp to say. */
export const protocolOf = ({ timestamp }: Question) => (timestamp === "" ? "smtp" : "pop3");

/** The account of a user whose password was right; undefined when nobody is to become that. Throws Unable. */
export function accountWith(known: KnownOf, settings: VirtualAccountSettings): Account | undefined {
  try {
    return virtualAccount(known, settings);
  } catch (error) {
    if (error instanceof NoAccount) throw new Unable(error.message, { cause: error });
    throw error;
  }
}

/** The first line of a file with a password of ours, which a client library wants as text. Throws Unable. */
export async function readSecretFile(path: string | undefined): Promise<string> {
  if (path === undefined) return "";
  try {
    return (await readFile(path, "utf8")).split("\n", 1)[0] ?? "";
  } catch (error) {
    throw new Unable(`unable to read ${path}: ${systemWords(codeOf(error))}`, { cause: error });
  }
}
