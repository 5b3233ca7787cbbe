/**
 * The files that a service is made of besides its command line: certificates, keys, authorities, rules. They are taken
 * anew as a whole or not at all, and what had changed is said.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Cdb } from "../../protocol/cdb/cdb.ts";
import type { Service } from "./service.ts";
import { filesOf, policyOf } from "./tls-policy.ts";
import { stampOf, type Watch, watchFiles } from "./watch-files.ts";
import type { WorkerProcess } from "./worker-processes.ts";

export class ServedFiles {
  readonly #service: Service;
  /** Of the keys (-3). */
  readonly #password: Uint8Array | undefined;
  readonly #say: (line: string) => void;
  readonly #tls: () => WorkerProcess | undefined;
  /** How they were when they were taken. */
  #taken: ReadonlyMap<string, string> = new Map();
  #watch: Watch | undefined;

  /** `tls`: who is to know the policy; nobody, for a service without TLS. */
  constructor(
    service: Service,
    password: Uint8Array | undefined,
    say: (line: string) => void,
    tls: () => WorkerProcess | undefined,
  ) {
    this.#service = service;
    this.#password = password;
    this.#say = say;
    this.#tls = tls;
  }

  /** Gives the TLS process the whole policy, which it has verified when this resolves. Throws when it cannot be used. */
  async take(): Promise<void> {
    const taken = this.#stamps();
    const { certificate } = this.#service;
    const tls = this.#tls();
    if (certificate !== undefined && tls !== undefined) {
      const { head, body } = policyOf(this.#service, certificate, this.#password);
      const answer = tls.channel.ask(head, body);
      // The frame was made by then: nothing here remembers the key.
      body.fill(0);
      const said = (await answer)?.head;
      if (typeof said?.["problem"] === "string") throw new Error(said["problem"]);
      for (const warning of (said?.["warnings"] ?? []) as readonly string[]) this.#say(`warning: ${warning}`);
    }
    this.#taken = taken;
  }

  /** From now on a new certificate is used from the next session on, or not at all. */
  watch(): void {
    const { certificate } = this.#service;
    if (certificate === undefined) return;
    this.#watch = watchFiles(filesOf(certificate), () => {
      this.take().then(
        () => this.#say(`certificate ${certificate.certFile} was read again`),
        (error: Error) => this.#say(`warning: new certificate is not used: ${error.message}`),
      );
    });
  }

  /** Somebody asks for it: all files are looked at, and the answer is one line in the log. */
  async reload(): Promise<void> {
    const before = this.#taken;
    try {
      this.#checkRules();
      await this.take();
    } catch (error) {
      this.#say(`warning: reload: nothing is changed: ${(error as Error).message}`);
      return;
    }
    const changed = [...this.#taken].filter(([file, stamp]) => before.get(file) !== stamp);
    const files = changed.map(([file]) => file).join(", ");
    this.#say(`reload: ${files === "" ? "nothing has changed" : `new: ${files}`}`);
  }

  close(): void {
    this.#watch?.close();
  }

  #rulesFile(): string | undefined {
    const { rules, cwd } = this.#service;
    return rules && resolve(cwd, rules.file);
  }

  /** The fronts read the rules for each client; here they are only looked at. Throws when they are none. */
  #checkRules(): void {
    const file = this.#rulesFile();
    if (file === undefined) return;
    try {
      new Cdb(readFileSync(file));
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
      if (!(missing && this.#service.rules?.optional))
        throw new Error(`${file}: ${(error as Error).message}`);
    }
  }

  #stamps(): ReadonlyMap<string, string> {
    const rules = this.#rulesFile();
    const { certificate } = this.#service;
    const files = [...(certificate === undefined ? [] : filesOf(certificate)), ...(rules ? [rules] : [])];
    return new Map(files.map((file) => [file, stampOf([file])]));
  }
}
