/**
 * The master: it starts the workers, joins them with each other, starts again what died, and parses nothing that a
 * client sent. Which processes there are, and as whom: ARCHITECTURE.md, "Who runs as whom".
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync } from "node:fs";
import { duplicateFrom } from "../native.ts";
import type { Account } from "../system.ts";
import { Channel, channelPair, closeEnd, type Received } from "./channel.ts";
import { asksForUser, type Service, type WorkerFacts } from "./service.ts";
import { filesOf, policyOf } from "./tls-policy.ts";
import { type Watch, watchFiles } from "./watch-files.ts";

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

interface Worker {
  readonly id: number;
  readonly key: string;
  readonly facts: WorkerFacts;
  readonly channel: Channel;
  readonly process: ChildProcess;
  readonly startedAt: number;
  ready: boolean;
  leaving: boolean;
}

interface Registered {
  readonly service: Service;
  readonly listening: number;
  readonly log: (text: Buffer) => void;
  /** Of the keys (-3). */
  readonly password?: Uint8Array | undefined;
  watch?: Watch;
  stopped?: () => void;
}

/** User workers kept warm; the one that was used least recently goes. */
const warmUsers = 32;

export class Pool {
  readonly #options: PoolOptions;
  readonly #root = process.getuid!() === 0;
  readonly #workers = new Map<string, Worker>();
  readonly #services = new Map<number, Registered>();
  /** Services whose last sessions are under way. */
  readonly #ending = new Map<number, Registered>();
  /** Pairs of workers, and of front and service, that know each other. Ids are never used again. */
  readonly #joined = new Set<string>();
  readonly #served = new Set<string>();
  readonly #failures = new Map<string, number>();
  #lastId = 0;
  #stopping = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** The next number for a service. */
  nextService(): number {
    this.#lastId += 1;
    return this.#lastId;
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
    const registered: Registered = { service, listening, log, password };
    this.#services.set(service.id, registered);
    const front = this.#frontOf(service); // it loads meanwhile
    try {
      await this.#sendPolicy(this.#tlsOf(service), registered);
    } catch (error) {
      this.#services.delete(service.id);
      throw new Error(`unable to load certificate: ${(error as Error).message}`, { cause: error });
    }
    if (this.#services.get(service.id) !== registered) return; // stopped meanwhile
    if (service.certificate !== undefined)
      registered.watch = watchFiles(filesOf(service.certificate), () => void this.#reload(registered));
    if (asksForUser(service)) this.#authOf();
    this.#attach(this.#workers.get(front.key) ?? this.#frontOf(service), service, listening);
  }

  /** A service's certificate files have changed: the new ones are used from the next session on, or not at all. */
  async #reload(registered: Registered): Promise<void> {
    const { service, log } = registered;
    const said = (line: string) => log(Buffer.from(`${service.server}: ${line}\n`, "latin1"));
    try {
      await this.#sendPolicy(this.#tlsOf(service), registered);
      said(`certificate ${service.certificate?.certFile} was read again`);
    } catch (error) {
      said(`warning: new certificate is not used: ${(error as Error).message}`);
    }
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
    const front = this.#workers.get(this.#frontKey(registered.service));
    this.#services.delete(id);
    closeSync(registered.listening);
    registered.watch?.close();
    if (front === undefined) return undefined;
    this.#ending.set(id, registered);
    const stopped = new Promise<void>((resolve) => {
      const late = setTimeout(resolve, seconds * 1000 + 1000);
      registered.stopped = () => {
        clearTimeout(late);
        resolve();
      };
    }).then(() => {
      this.#ending.delete(id);
      for (const worker of this.#workers.values()) {
        if (worker.facts.kind === "tls") worker.channel.send({ kind: "forget", service: id });
      }
    });
    await front.channel.ask({ kind: "stop", id, seconds });
    return { stopped };
  }

  /** Lets all sessions end, for up to `seconds`, then ends the workers. */
  async close(seconds: number): Promise<void> {
    await Promise.all([...this.#services.keys()].map((id) => this.stop(id, seconds)));
    this.#stopping = true;
    await Promise.all([...this.#workers.values()].map((worker) => this.#end(worker)));
  }

  /** The processes, for `status`. */
  processes(): readonly { pid: number; title: string }[] {
    return [...this.#workers.values()].map(({ process: { pid }, facts }) => ({
      pid: pid ?? 0,
      title: facts.title,
    }));
  }

  #identity(uid: number | undefined, gid: number | undefined): { uid?: number; gid?: number } {
    if (!this.#root) return {};
    const { unprivileged } = this.#options;
    return { uid: uid || unprivileged.uid, gid: gid || unprivileged.gid };
  }

  #tlsOf(service: Service): Worker | undefined {
    const { certificate } = service;
    if (certificate === undefined) return undefined;
    const who = this.#identity(certificate.uid ?? service.uid, certificate.gid ?? service.gid);
    const chroot = this.#root ? certificate.chroot : undefined;
    const facts: WorkerFacts = { kind: "tls", title: "acceptutils: tls", ...who, chroot };
    return this.#worker(`tls ${who.uid} ${who.gid} ${chroot}`, facts);
  }

  #frontKey(service: Service): string {
    const who = this.#identity(service.uid, service.gid);
    return `front ${who.uid} ${who.gid} ${asksForUser(service) ? "auth" : "smtp"}`;
  }

  #frontOf(service: Service): Worker {
    const role = asksForUser(service) ? "auth front" : "front";
    const who = this.#identity(service.uid, service.gid);
    return this.#worker(this.#frontKey(service), { kind: "front", title: `acceptutils: ${role}`, ...who });
  }

  #authOf(): Worker {
    return this.#worker("auth", { kind: "auth", title: "acceptutils: auth" });
  }

  #userOf({ user, uid, gid }: Account): Worker {
    if (!this.#root) return this.#worker("user", { kind: "user", title: "acceptutils: users" });
    const key = `user ${uid} ${gid}`;
    const there = this.#workers.get(key);
    if (there !== undefined) {
      // Last used, last in the order.
      this.#workers.delete(key);
      this.#workers.set(key, there);
      return there;
    }
    const users = [...this.#workers.values()].filter(({ facts }) => facts.kind === "user");
    if (users.length >= warmUsers) void this.#end(users[0]!);
    return this.#worker(key, { kind: "user", title: `acceptutils: user ${user}`, uid, gid, user });
  }

  #worker(key: string, facts: WorkerFacts): Worker {
    return this.#workers.get(key) ?? this.#start(key, facts);
  }

  #start(key: string, facts: WorkerFacts): Worker {
    const [ours, theirs] = channelPair();
    const child = spawn(process.execPath, [...process.execArgv, this.#options.entry, "worker", facts.kind], {
      stdio: ["ignore", "ignore", 2, theirs.stream, theirs.packets],
      detached: true,
      cwd: this.#options.home,
      env: {
        PATH: process.env["PATH"],
        ...(process.env["ACCEPTUTILS_TEST_RUN"] && {
          ACCEPTUTILS_TEST_RUN: process.env["ACCEPTUTILS_TEST_RUN"],
        }),
        ACCEPTUTILS_WORKER: JSON.stringify(facts),
      },
    });
    closeEnd(theirs);
    const channel = new Channel(ours);
    this.#lastId += 1;
    const startedAt = performance.now();
    const worker = {
      id: this.#lastId,
      key,
      facts,
      channel,
      process: child,
      startedAt,
      ready: false,
      leaving: false,
    };
    this.#workers.set(key, worker);
    channel.onMessage = (message) => this.#hear(worker, message);
    child.on("error", (error) =>
      this.#options.log(`acceptutils: cannot start ${facts.title}: ${error.message}`),
    );
    child.on("exit", (code, signal) => this.#ended(worker, signal ?? `exit code ${code}`));
    return worker;
  }

  #hear(worker: Worker, message: Received): void {
    const { head, body } = message;
    switch (head.kind) {
      case "ready":
        worker.ready = true;
        break;
      case "log": {
        const id = Number(head["service"]);
        (this.#services.get(id) ?? this.#ending.get(id))?.log(body);
        break;
      }
      case "stopped":
        this.#ending.get(Number(head["id"]))?.stopped?.();
        break;
      case "join": {
        const user = [...this.#workers.values()].find(({ id }) => id === head["id"]);
        if (user?.facts.kind === "user" && worker.facts.kind === "front") this.#join(worker, user, "user");
        break;
      }
      case "admit":
        // Only the auth process may say who somebody is.
        if (worker.facts.kind === "auth") this.#admit(worker, message);
        break;
      case "idle":
        if (worker.facts.kind === "user") void this.#end(worker);
        break;
    }
  }

  #admit(auth: Worker, message: Received): void {
    const service = this.#services.get(Number(message.head["service"]))?.service;
    if (service === undefined) {
      auth.channel.reply(message, { code: 111 });
      return;
    }
    const account = message.head["account"] as Account;
    const user = this.#userOf(account);
    const ticket = randomBytes(16).toString("hex");
    user.channel.send({ kind: "admit", ticket, service, account });
    auth.channel.reply(message, { worker: user.id, ticket });
  }

  /** Two workers get the two ends of a new channel. */
  #join(front: Worker, peer: Worker, role: "tls" | "auth" | "user"): void {
    const [a, b] = channelPair();
    front.channel.send({ kind: "peer", role, id: peer.id }, undefined, [a.stream, a.packets]);
    peer.channel.send({ kind: "peer", role: "front", id: front.id }, undefined, [b.stream, b.packets]);
  }

  #joinOnce(front: Worker, peer: Worker | undefined, role: "tls" | "auth"): void {
    const pair = `${front.id} ${peer?.id}`;
    if (peer === undefined || this.#joined.has(pair)) return;
    this.#joined.add(pair);
    this.#join(front, peer, role);
  }

  #attach(front: Worker, service: Service, listening: number): void {
    const pair = `${front.id} ${service.id}`;
    if (this.#served.has(pair)) return;
    this.#served.add(pair);
    this.#joinOnce(front, this.#tlsOf(service), "tls");
    if (asksForUser(service)) {
      const auth = this.#authOf();
      this.#joinOnce(front, auth, "auth");
      auth.channel.send({ kind: "service", service });
    }
    front.channel.send({ kind: "serve", service }, undefined, [duplicateFrom(listening, 3)]);
  }

  /** Gives the TLS process a service's whole policy, which it has verified when this resolves. Throws when it cannot be used. */
  async #sendPolicy(tls: Worker | undefined, { service, password }: Registered): Promise<void> {
    if (tls === undefined || service.certificate === undefined) return;
    const { head, body } = policyOf(service.id, service.certificate, password);
    const answer = tls.channel.ask(head, body);
    // The frame was made by then: nothing here remembers the key.
    body.fill(0);
    const problem = (await answer)?.head["problem"];
    if (typeof problem === "string") throw new Error(problem);
  }

  async #end(worker: Worker): Promise<void> {
    worker.leaving = true;
    this.#workers.delete(worker.key);
    const gone = new Promise<void>((resolve) => worker.process.once("exit", () => resolve()));
    worker.channel.close();
    const late = setTimeout(() => worker.process.kill("SIGKILL"), 2000);
    if (worker.process.exitCode === null && worker.process.signalCode === null) await gone;
    clearTimeout(late);
  }

  #ended(worker: Worker, how: string): void {
    worker.channel.close();
    if (worker.leaving || this.#stopping) return;
    if (this.#workers.get(worker.key) === worker) this.#workers.delete(worker.key);
    this.#options.log(
      `acceptutils: ${worker.facts.title.replace(/.*: /, "")} (pid ${worker.process.pid}) ended: ${how}`,
    );
    if (worker.facts.kind === "user") return; // the next login starts another
    const lived = performance.now() - worker.startedAt;
    const failures = lived > 5000 ? 0 : (this.#failures.get(worker.key) ?? 0) + 1;
    this.#failures.set(worker.key, failures);
    // The first time at once: clients are waiting. Later ever slower: it will not work this second either.
    setTimeout(() => this.#again(worker), failures <= 1 ? 0 : Math.min(5000, 100 * 2 ** failures));
  }

  #again({ facts: { kind } }: Worker): void {
    if (this.#stopping) return;
    for (const registered of this.#services.values()) {
      this.#restore(kind, registered).catch((error: Error) => {
        const { server, host, port } = registered.service;
        this.#options.log(`acceptutils: ${server} ${host}:${port}: ${error.message}`);
      });
    }
  }

  /** Puts a service on new workers where it had lost one. Fronts that live keep their sessions. */
  async #restore(kind: WorkerFacts["kind"], registered: Registered): Promise<void> {
    const { service, listening } = registered;
    if (kind === "tls") {
      const tls = this.#tlsOf(service);
      if (tls === undefined) return;
      this.#joinOnce(this.#frontOf(service), tls, "tls");
      await this.#sendPolicy(tls, registered);
    } else if (kind === "auth" && asksForUser(service)) {
      const auth = this.#authOf();
      this.#joinOnce(this.#frontOf(service), auth, "auth");
      auth.channel.send({ kind: "service", service });
    } else if (kind === "front") {
      this.#attach(this.#frontOf(service), service, listening);
    }
  }
}
