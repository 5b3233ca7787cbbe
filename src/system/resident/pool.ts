/**
 * The master: it starts the workers, joins them with each other, starts again what died, and parses nothing that a
 * client sent. Which processes there are, and as whom: ARCHITECTURE.md, "Who runs as whom".
 */
import { randomUUID } from "node:crypto";
import { closeSync } from "node:fs";
import type { Told } from "../c-library/libblocklist.ts";
import { lineOf } from "../log-line.ts";
import { duplicateFrom } from "../native.ts";

import { restWhenIdle } from "../rest.ts";
import type { Account } from "../system.ts";
import { Blocklist } from "./blocklist.ts";
import type { Received } from "./channel.ts";
import { Crew } from "./crew.ts";
import type { SettledFacts } from "./foreign-checkpassword.ts";
import { Roles } from "./roles.ts";
import { ServedFiles } from "./served-files.ts";
import { asksForUser, type Service } from "./service.ts";
import { mostUsers, placeForUser } from "./user-places.ts";
import { type WorkerProcess, WorkerProcesses } from "./worker-processes.ts";

export interface PoolOptions {
  /** The first file of this program: build/app.cjs. */
  readonly entry: string;
  /** Where the workers are started. */
  readonly home: string;
  /** Who parses what comes from the network when a chain names nobody and we are root. */
  readonly unprivileged: { readonly uid: number; readonly gid: number };
  /** What happens to the workers themselves. */
  log(line: string): void;
}

interface Registered {
  readonly service: Service;
  readonly listening: number;
  readonly log: (text: Buffer) => void;
  readonly files: ServedFiles;
  stopped?: () => void;
}

export class Pool {
  readonly #log: (line: string) => void;
  readonly #roles: Roles;
  readonly #workers: WorkerProcesses;
  readonly #services = new Map<number, Registered>();
  /** Services whose last sessions are under way. */
  readonly #ending = new Map<number, Registered>();
  readonly #crew: Crew;
  readonly #blocklist = new Blocklist();

  constructor({ entry, home, unprivileged, log }: PoolOptions) {
    this.#log = log;
    restWhenIdle();
    this.#roles = new Roles(unprivileged, process.getuid!() === 0);
    this.#workers = new WorkerProcesses({
      entry,
      home,
      log,
      hear: (worker, message) => this.#hear(worker, message),
      lost: (worker) => this.#again(worker),
    });
    this.#crew = new Crew(this.#roles, this.#workers);
  }

  /** The next number for a service. */
  nextService(): number {
    return this.#workers.nextId();
  }

  /**
   * Serves `service` on a listening socket, which the pool now owns; `password` is that of its keys. Throws when its
   * certificate cannot be used.
   */
  async serve(
    service: Service,
    listening: number,
    log: (text: Buffer) => void,
    password?: Uint8Array,
  ): Promise<void> {
    const say = (line: string) => this.#say(registered, line);
    const files = new ServedFiles(service, password, say, () => this.#crew.tlsOf(service));
    const registered: Registered = { service, listening, log, files };
    this.#services.set(service.id, registered);
    this.#crew.frontsOf(service); // they load meanwhile
    try {
      await files.take();
    } catch (error) {
      this.#services.delete(service.id);
      throw new Error(`unable to load certificate: ${(error as Error).message}`, { cause: error });
    }
    if (this.#services.get(service.id) !== registered) return; // stopped meanwhile
    files.watch();
    this.#crew.attach(service, listening);
  }

  /** A copy of a service's listening socket, the caller's; undefined: it is served no more. */
  listening(id: number): number | undefined {
    const registered = this.#services.get(id);
    return registered && duplicateFrom(registered.listening, 10);
  }

  /** Takes the files of all services anew, each as a whole or not at all. */
  async reload(): Promise<void> {
    await Promise.all([...this.#services.values()].map(({ files }) => files.reload()));
  }

  /** One line in the log of a service. */
  #say({ service, log }: Registered, line: string): void {
    log(lineOf(`${service.server}: ${line}`));
  }

  /** No new sessions of a service; resolves when the old ones have ended, or after `seconds`. */
  async stop(id: number, seconds: number): Promise<void> {
    await (await this.#close(id, seconds))?.stopped;
  }

  /** No new sessions of a service; resolves when its port is free, while its sessions may take `seconds` more. */
  async release(id: number, seconds: number): Promise<void> {
    await this.#close(id, seconds);
  }

  async #close(id: number, seconds: number): Promise<{ stopped: Promise<void> } | undefined> {
    const registered = this.#services.get(id);
    if (registered === undefined) return undefined;
    const acceptor = this.#crew.acceptorOf(registered.service);
    this.#services.delete(id);
    closeSync(registered.listening);
    registered.files.close();
    if (acceptor === undefined) return undefined;
    this.#ending.set(id, registered);
    const stopped = new Promise<void>((resolve) => {
      const late = setTimeout(resolve, seconds * 1000 + 1000);
      registered.stopped = () => {
        clearTimeout(late);
        resolve();
      };
    }).then(() => {
      this.#ending.delete(id);
      this.#crew.forget(id);
    });
    await acceptor.channel.ask({ kind: "stop", id, seconds });
    return { stopped };
  }

  /** Lets all sessions end, for up to `seconds`, then ends the workers. */
  async close(seconds: number): Promise<void> {
    await Promise.all([...this.#services.keys()].map((id) => this.stop(id, seconds)));
    this.#blocklist.close();
    await this.#workers.endAll();
  }

  /** The processes, for `status`. */
  processes(): readonly { pid: number; title: string }[] {
    return this.#workers.all.map(({ process: { pid }, facts }) => ({
      pid: pid ?? 0,
      title: facts.title,
    }));
  }

  /** undefined: there are too many. */
  #userOf(account: Account, groups: readonly number[] | undefined): WorkerProcess | undefined {
    const role = this.#roles.user(account, groups);
    if (this.#workers.running(role.key) !== undefined) return this.#workers.of(role);
    const inAll = this.#workers.all.filter(({ facts }) => facts.kind === "user").length;
    const place = placeForUser(inAll, this.#workers.inUse("user"));
    if (place === "none") return undefined;
    if (place.retire !== undefined) this.#workers.retire(place.retire);
    return this.#workers.of(role);
  }

  #hear(worker: WorkerProcess, message: Received): void {
    const { head, body } = message;
    switch (head.kind) {
      case "log": {
        const id = Number(head["service"]);
        (this.#services.get(id) ?? this.#ending.get(id))?.log(body);
        break;
      }
      case "stopped":
        this.#ending.get(Number(head["id"]))?.stopped?.();
        break;
      case "join": {
        const user = this.#workers.all.find(({ id }) => id === head["id"]);
        if (user?.facts.kind !== "user" || worker.facts.kind !== "front") {
          worker.channel.send({ kind: "gone", id: head["id"] });
        } else if (!this.#crew.joinOnce(worker, user, "user")) {
          // They do not talk to each other any more: the next login has another.
          this.#workers.retire(user);
          worker.channel.send({ kind: "gone", id: user.id });
        }
        break;
      }
      case "admit":
        // Only the auth process may say who somebody is.
        if (worker.facts.kind === "auth") this.#admit(worker, message);
        break;
      case "blocklist": {
        const registered = this.#services.get(Number(head["service"]));
        const told = head["told"] as Told;
        if (registered === undefined || worker.facts.kind !== "front") break;
        const say = (line: string) => this.#say(registered, line);
        this.#blocklist.tell(registered.service, told, registered.listening, say);
        break;
      }
      case "idle":
        // A ticket may be on its way to one that does not know yet that it is to go.
        if (worker.leaving) void this.#workers.end(worker);
        else if (worker.facts.kind === "user") this.#workers.retire(worker);
        break;
    }
  }

  #admit(auth: WorkerProcess, message: Received): void {
    const id = Number(message.head["service"]);
    const registered = this.#services.get(id) ?? this.#ending.get(id);
    if (registered === undefined) {
      auth.channel.reply(message, { code: 111 });
      return;
    }
    const { service } = registered;
    const account = message.head["account"] as Account;
    const settled = message.head["settled"] as SettledFacts | undefined;
    const user = this.#userOf(account, settled?.groups);
    if (user === undefined) {
      this.#say(registered, `warning: ${mostUsers} users have sessions, each a process: no more can log in`);
      auth.channel.reply(message, { code: 111 });
      return;
    }
    const ticket = randomUUID(); // 122 random bits, drawn for many tickets at once
    const known = user.told.has(service);
    user.told.add(service);
    user.channel.send({ kind: "admit", ticket, service: known ? service.id : service, account, settled });
    auth.channel.reply(message, { worker: user.id, ticket });
  }

  /** Others take the place of a worker that died. */
  #again({ facts: { kind } }: WorkerProcess): void {
    for (const registered of this.#services.values()) {
      this.#restore(kind, registered).catch((error: Error) => {
        const { server, host, port } = registered.service;
        this.#log(`acceptutils: ${server} ${host}:${port}: ${error.message}`);
      });
    }
  }

  /** Puts a service on new workers where it had lost one. Those that live keep their sessions. */
  async #restore(kind: WorkerProcess["facts"]["kind"], registered: Registered): Promise<void> {
    const { service, listening, files } = registered;
    if (kind === "auth" && !asksForUser(service)) return;
    if (kind === "tls" && service.certificate === undefined) return;
    this.#crew.attach(service, listening);
    if (kind === "tls") await files.take();
  }
}
