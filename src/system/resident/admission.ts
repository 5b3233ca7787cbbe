/** Whether a client may come in: its name, its user, and the rules about it. tcprules(8) */
import type { Resolver } from "node:dns/promises";
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

/** Seconds for which the name of one of our own addresses is good. */
const ownNameSeconds = 300;

/** Has no name in the DNS, and must not wait for one. */
const isLoopback = (ip: string) => ip.startsWith("127.") || ip === "::1";

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
  /** As many as this machine has addresses. */
  readonly #ownNames = new Map<
    string,
    { readonly name: Promise<string | undefined>; readonly until: number }
  >();
  #resolver: Resolver | undefined;

  constructor(service: Service) {
    this.#service = service;
  }

  /** Looks up what the service wants to know. Throws CannotOpen or BrokenCdb: nobody comes in without rules. */
  of(ends: Ends): Admission | Promise<Admission> {
    const { lookUpRemote, identSeconds } = this.#service;
    const localHost = ends.localHost ?? this.#ownName(ends.localIp);
    const remoteHost = lookUpRemote && !isLoopback(ends.remoteIp) ? this.#nameOf(ends.remoteIp) : undefined;
    const remoteInfo = identSeconds === undefined ? undefined : userOf(ends, identSeconds);
    if (typeof localHost !== "object" && remoteHost === undefined && remoteInfo === undefined) {
      const known = ends.localHost === localHost ? ends : { ...ends, localHost };
      return { ends: known, verdict: this.#verdictOn(known) };
    }
    return Promise.all([localHost, remoteHost, remoteInfo]).then(([localHost, remoteHost, remoteInfo]) => {
      const known = { ...ends, localHost, remoteHost, remoteInfo };
      return { ends: known, verdict: this.#verdictOn(known) };
    });
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

  /** Made when it is first needed: few services want names. */
  get #asked(): Resolver {
    const { Resolver } = process.getBuiltinModule("node:dns/promises");
    if (this.#resolver !== undefined) return this.#resolver;
    this.#resolver = new Resolver({ timeout: (lookUpSeconds * 1000) / 2, tries: 2 });
    const server = this.#service.env["ACCEPTUTILS_DNS"];
    if (server !== undefined) this.#resolver.setServers([server]);
    return this.#resolver;
  }

  /** The name of one of our addresses: asked for once in a while, not for each client. */
  #ownName(ip: string): Promise<string | undefined> | undefined {
    if (isLoopback(ip)) return undefined;
    const now = performance.now();
    let known = this.#ownNames.get(ip);
    if (known === undefined || now > known.until) {
      known = { name: this.#reverse(ip), until: now + ownNameSeconds * 1000 };
      this.#ownNames.set(ip, known);
    }
    return known.name;
  }

  async #reverse(ip: string): Promise<string | undefined> {
    const [name] = await this.#asked.reverse(ip).catch(() => []);
    // Only what can stand in a variable, a rule and a log line.
    return name !== undefined && /^[A-Za-z0-9._-]{1,255}$/.test(name) ? name : undefined;
  }

  /** The name of a client, when its address has one (and, with -p, the name has the address). */
  async #nameOf(ip: string): Promise<string | undefined> {
    const name = await this.#reverse(ip);
    if (name === undefined || !this.#service.paranoid) return name;
    try {
      const back = await (ip.includes(":") ? this.#asked.resolve6(name) : this.#asked.resolve4(name));
      return back.includes(ip) ? name : undefined;
    } catch {
      return undefined;
    }
  }
}
