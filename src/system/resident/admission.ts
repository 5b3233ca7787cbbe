/** Whether a client may come in: its name, its user, and the rules about it. tcprules(8) */
import { Resolver } from "node:dns/promises";
import { resolve } from "node:path";
import { Cdb } from "../../protocol/cdb/cdb.ts";
import type { Ends } from "../../protocol/ucspi/environment.ts";
import { type Verdict, verdictOn } from "../../protocol/ucspi/rules.ts";
import { readFileCached } from "../files.ts";
import { userOf } from "../ident.ts";
import { CannotOpen } from "../system.ts";
import type { Service } from "./service.ts";

/** Seconds that the name of a client may take to be looked up; without one it is unknown, as to tcpserver -H. */
const lookUpSeconds = 5;

/** What is known of a client in the end, and what the rules say. */
export interface Admission {
  readonly ends: Ends;
  readonly verdict: Verdict;
}

const everybody: Verdict = { rule: undefined, deny: false, env: new Map() };

/** Databases by the bytes they are in: an unchanged file is read and looked at once. */
const databases = new WeakMap<Uint8Array, Cdb>();

export class Admissions {
  readonly #service: Service;
  readonly #resolver = new Resolver({ timeout: (lookUpSeconds * 1000) / 2, tries: 2 });

  constructor(service: Service) {
    this.#service = service;
  }

  /** Looks up what the service wants to know. Throws CannotOpen or BrokenCdb: nobody comes in without rules. */
  async of(ends: Ends): Promise<Admission> {
    const { lookUpRemote, identSeconds } = this.#service;
    const [remoteHost, remoteInfo] = await Promise.all([
      lookUpRemote ? this.#nameOf(ends.remoteIp) : undefined,
      identSeconds === undefined ? undefined : userOf(ends, identSeconds),
    ]);
    const known = { ...ends, remoteHost, remoteInfo };
    return { ends: known, verdict: this.#verdictOn(known) };
  }

  #verdictOn({ remoteIp: ip, remoteHost: host, remoteInfo: info }: Ends): Verdict {
    const { rules, cwd } = this.#service;
    if (rules === undefined) return everybody;
    const bytes = readFileCached(resolve(cwd, rules.file));
    if (bytes === undefined) {
      if (rules.optional) return everybody;
      throw new CannotOpen(rules.file, "ENOENT");
    }
    const there = databases.get(bytes);
    const cdb = there ?? new Cdb(bytes);
    if (there === undefined) databases.set(bytes, cdb);
    return verdictOn({ ip, host, info }, (key) => cdb.get(key));
  }

  /** The name of a client, when its address has one (and, with -p, the name has the address). Never for loopback. */
  async #nameOf(ip: string): Promise<string | undefined> {
    if (ip.startsWith("127.") || ip === "::1") return undefined;
    try {
      const [name] = await this.#resolver.reverse(ip);
      // Only what can stand in a variable, a rule and a log line.
      if (name === undefined || !/^[A-Za-z0-9._-]{1,255}$/.test(name)) return undefined;
      if (!this.#service.paranoid) return name;
      const back = await (ip.includes(":") ? this.#resolver.resolve6(name) : this.#resolver.resolve4(name));
      return back.includes(ip) ? name : undefined;
    } catch {
      return undefined;
    }
  }
}
