/** The workers of the services: which there are, and which of them know each other. */
import { duplicateFrom } from "../native.ts";
import { channelPair } from "./channel.ts";
import type { Roles } from "./roles.ts";
import { asksForUser, type Service } from "./service.ts";
import type { WorkerProcess, WorkerProcesses } from "./worker-processes.ts";

/** What a worker is to the one that is told of it. */
type Part = "tls" | "auth" | "user" | "listener" | "front";

export class Crew {
  readonly #roles: Roles;
  readonly #workers: WorkerProcesses;
  /** Pairs of workers that know each other, and of worker and service. Ids are never used again. */
  readonly #joined = new Set<string>();
  readonly #told = new Set<string>();

  constructor(roles: Roles, workers: WorkerProcesses) {
    this.#roles = roles;
    this.#workers = workers;
  }

  tlsOf(service: Service): WorkerProcess | undefined {
    const role = this.#roles.tls(service);
    return role && this.#workers.of(role);
  }

  frontsOf(service: Service): readonly WorkerProcess[] {
    return this.#roles.fronts(service).map((role) => this.#workers.of(role));
  }

  /** Who has the service's listening socket, if it lives. */
  acceptorOf(service: Service): WorkerProcess | undefined {
    const role = this.#roles.listener(service) ?? this.#roles.fronts(service)[0]!;
    return this.#workers.running(role.key);
  }

  /** Starts the workers that a service needs and does not have, and tells all of it what they do not know. */
  attach(service: Service, listening: number): void {
    const fronts = this.frontsOf(service);
    const tls = this.tlsOf(service);
    for (const front of fronts) this.joinOnce(front, tls, "tls");
    const role = this.#roles.listener(service);
    const acceptor = role === undefined ? fronts[0]! : this.#workers.of(role);
    if (asksForUser(service)) {
      const auth = this.#workers.of(this.#roles.auth());
      for (const one of new Set([...fronts, acceptor])) this.joinOnce(one, auth, "auth");
      this.#tellOnce(auth, service, () => auth.channel.send({ kind: "service", service }));
    }
    if (role !== undefined) {
      for (const front of fronts) {
        this.#tellOnce(front, service, () => front.channel.send({ kind: "service", service }));
        this.joinOnce(front, acceptor, "listener");
      }
    }
    this.#tellOnce(acceptor, service, () =>
      acceptor.channel.send({ kind: "serve", service }, undefined, [duplicateFrom(listening, 3)]),
    );
  }

  /** A service is no more, and its sessions have ended. */
  forget(id: number): void {
    for (const { facts, channel } of this.#workers.all)
      if (facts.kind === "tls" || facts.kind === "front") channel.send({ kind: "forget", service: id });
  }

  /**
   * Two workers get the two ends of a new channel, once, whoever asks how often; `part` is what `peer` is to `front`. False:
   * they had them before.
   */
  joinOnce(front: WorkerProcess, peer: WorkerProcess | undefined, part: Part): boolean {
    if (peer === undefined || !isNew(this.#joined, `${front.id} ${peer.id}`)) return false;
    const [a, b] = channelPair();
    front.channel.send({ kind: "peer", role: part, id: peer.id }, undefined, [a.stream, a.packets]);
    peer.channel.send({ kind: "peer", role: "front", id: front.id }, undefined, [b.stream, b.packets]);
    return true;
  }

  #tellOnce(worker: WorkerProcess, { id }: Service, tell: () => void): void {
    if (isNew(this.#told, `${worker.id} ${id}`)) tell();
  }
}

function isNew(known: Set<string>, pair: string): boolean {
  if (known.has(pair)) return false;
  known.add(pair);
  return true;
}
