/** Runs the chain of a service on one connection, with the TLS that the service offers. */
import type { Socket } from "node:net";
import { type LogLine, type ServerLog, serverLog } from "../../protocol/ucspi/server-log.ts";
import { applyBlock } from "../../protocol/ucspi-tls/level.ts";
import { s6TlsLog } from "../../protocol/ucspi-tls/s6-tls-log.ts";
import { runResident, type Secured, type Session } from "../resident-host.ts";
import { connection } from "../stream.ts";
import type { Ended, Facts, Input, Output, Program, Programs, System } from "../system.ts";
import type { Channel } from "./channel.ts";
import type { Environment } from "./environment.ts";
import type { LentTls } from "./foreign-child.ts";
import { lendTls } from "./lend-tls.ts";
import type { Service } from "./service.ts";
import type { SessionRecord } from "./session-record.ts";

/** A connection; undefined once it is in the hands of the TLS process. */
export interface Client {
  socket: Socket | undefined;
}

/** One connection, once its client was let in. */
export interface Admitted {
  readonly client: Client;
  /** With what the connection and the rules say. */
  readonly env: Environment;
  readonly pid: number;
  /** The client's name, as far as it is known. */
  readonly host: string | undefined;
  readonly record: SessionRecord;
}

/** What the programs of a session find. */
export interface Surroundings {
  readonly programs: Programs;
  /** Who runs these words in the place of this process, when it is not to. */
  elsewhere(argv: readonly string[]): Program | undefined;
  /** The handshake, with the client's name where it is known. */
  readonly secure: ((input: Input, output: Output, host: string | undefined) => Promise<Secured>) | undefined;
  tls(): Channel | undefined;
  tellBlocklist?: System["tellBlocklist"];
  log(line: string): void;
  /** Aborted when processes of sessions (--native) have had their time to end. */
  readonly stopped?: AbortSignal;
}

/** How TLS fares is logged by whoever offers it: the server, or a program of the chain, which has a verbosity of its own. */
const tlsLogOf = ({ server, offer }: Service): Pick<ServerLog, "secured" | "notSecured"> =>
  offer === undefined ? serverLog(server) : s6TlsLog(offer.program);

const verbosityOf = ({ verbosity, offer }: Service) => (offer === undefined ? verbosity : offer.verbosity);

/** Resolves when the last program has ended and all that it said is on its way. */
export function runSession(admitted: Admitted, service: Service, around: Surroundings): Promise<Ended> {
  return new ServedSession(admitted, service, around).run();
}

/** What is asked of one connection; thousands of them wait, so that each has no more than is its own. */
class ServedSession implements Session {
  readonly env: Environment;
  input: Input;
  output: Output;
  readonly #client: Client;
  readonly #pid: number;
  readonly #host: string | undefined;
  readonly #record: SessionRecord;
  readonly #service: Service;
  readonly #around: Surroundings;

  constructor({ client, env, pid, host, record }: Admitted, service: Service, around: Surroundings) {
    this.env = env;
    this.#client = client;
    this.#pid = pid;
    this.#host = host;
    this.#record = record;
    this.#service = service;
    this.#around = around;
    const { input, output } = connection(client.socket!);
    this.input = input;
    this.output = output;
  }

  async run(): Promise<Ended> {
    const { server, argv, tls, banner, tlsEnvironment } = this.#service;
    if (tls === "at once" && this.#around.secure !== undefined) {
      try {
        const inside = await this.#around.secure(this.input, this.output, this.#host);
        if (tlsEnvironment) applyBlock(this.env, inside.block);
        this.#secured(inside);
      } catch (error) {
        this.#notSecured(error);
        return { code: 111 };
      }
    }
    if (server === "sslserver" && banner !== "") await this.output.write(Buffer.from(banner, "latin1"));
    const ended = await runResident(argv, this);
    this.#count();
    await this.output.flush().catch(() => {});
    this.input.close(); // and with it the whole connection
    return ended;
  }

  get programs(): Programs {
    return this.#around.programs;
  }

  get cwd(): string {
    return this.#service.cwd;
  }

  get native(): Session["native"] {
    const { native, uid, gid } = this.#service;
    return native ? { uid, gid, stopped: this.#around.stopped } : undefined;
  }

  get tls(): Session["tls"] {
    const { tls } = this.#service;
    if (this.#around.secure === undefined) return undefined;
    return tls === "delayed" ? "offered" : tls === "offered" ? "prepared" : undefined;
  }

  elsewhere(argv: readonly string[]): Program | undefined {
    return this.#around.elsewhere(argv);
  }

  log(line: string): void {
    this.#around.log(line);
  }

  record(facts: Facts): void {
    this.#record.add(facts);
  }

  tellBlocklist(told: Parameters<System["tellBlocklist"]>[0]): void {
    this.#around.tellBlocklist?.(told);
  }

  async startTls(from: Input, to: Output): Promise<Secured> {
    try {
      const inside = await this.#around.secure!(from, to, this.#host);
      this.#secured(inside);
      return inside;
    } catch (error) {
      this.#notSecured(error);
      throw error;
    }
  }

  lendTls(client: Input): LentTls {
    const { id, handshakeSeconds } = this.#service;
    return lendTls(client, {
      service: id,
      seconds: handshakeSeconds,
      host: this.#host,
      tls: () => this.#around.tls(),
      accepted: (tls, cipher) => this.#accepted(tls, cipher),
      refused: (why) => this.#say(tlsLogOf(this.#service).notSecured(why)),
    });
  }

  /** What was said in clear before TLS counts too; the connection itself is the TLS process's now. */
  #secured({ input, output, block }: Secured): void {
    this.#count();
    this.input = input;
    this.output = output;
    this.#client.socket = undefined;
    this.#accepted(block.get("SSL_PROTOCOL") ?? "", block.get("SSL_CIPHER") ?? "");
  }

  #accepted(tls: string, cipher: string): void {
    this.#record.add({ tls, cipher });
    const told = verbosityOf(this.#service) > 2 ? `${tls}:${cipher}` : "";
    this.#say(tlsLogOf(this.#service).secured(this.#pid, told));
  }

  #notSecured(error: unknown): void {
    const why = `unable to accept SSL: ${(error as Error).message}`;
    this.#say(tlsLogOf(this.#service).notSecured(why));
  }

  /** What came and went on the connection as it is. A process has the connection itself: nobody counts. */
  #count(): void {
    if (this.#service.native) return;
    this.#record.add({
      in: (this.input as { octets?: number }).octets ?? 0,
      out: (this.output as { octets?: number }).octets ?? 0,
    });
  }

  #say(lines: readonly LogLine[]): void {
    for (const [from, text] of lines) if (verbosityOf(this.#service) >= from) this.#around.log(text);
  }
}
