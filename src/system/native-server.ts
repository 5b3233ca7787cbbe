/**
 * The literal chain (--native): each connection gets a process of its own, whose programs are processes too, and another
 * one for TLS once it is asked for. This process accepts, looks at the rules, and is who tcpserver was.
 */
import { duplicateFrom } from "./native.ts";
import type { Start } from "./resident/alone.ts";
import { Channel, channelPair } from "./resident/channel.ts";
import { Listener } from "./resident/listener.ts";
import type { Master } from "./resident/master.ts";
import { Roles } from "./resident/roles.ts";
import { runSession, type Surroundings } from "./resident/run-session.ts";
import { secureBy } from "./resident/secure.ts";
import type { Service } from "./resident/service.ts";
import { policyOf } from "./resident/tls-policy.ts";
import { unprivilegedOf } from "./resident/unprivileged.ts";
import { WorkerProcesses } from "./resident/worker-processes.ts";
import type { System } from "./system.ts";

/** Seconds that sessions have after we were told to stop; who runs us waits ten. After SIGQUIT they have an hour. */
const drainSeconds = 8;
const longSeconds = 3600;

/** Serves until SIGTERM, or until `master` is gone. Resolves to the exit code. Throws when the certificate cannot be used. */
export async function serveNatively(
  service: Service,
  { fd, password, ready }: Start,
  master: Master | undefined,
  system: System,
): Promise<number> {
  const told = toldToStop(master);
  const tls = new TlsProcesses(service, password, system);
  await tls.verify();
  const start = () => tls.start().channel;
  const stopped = new AbortController();
  const log = (line: string) => system.log(line);
  const around: Surroundings = {
    programs: async () => undefined, // every word is a process
    elsewhere: () => undefined,
    secure: service.tls === "none" ? undefined : secureBy(service, start),
    tls: start,
    log,
    stopped: stopped.signal,
  };
  const listener = new Listener(service, fd, {
    run: (admitted) => runSession(admitted, service, around),
    turnedAway: () => false,
    log,
  });
  await ready();
  // A copy of the listening socket, for whoever serves after us.
  if (master !== undefined) master.channel.send({ kind: "serving" }, undefined, [duplicateFrom(fd, 10)]);
  const seconds = (await told) === "SIGQUIT" ? longSeconds : drainSeconds;
  const late = setTimeout(() => stopped.abort(), seconds * 1000);
  await listener.stop(seconds + 1);
  clearTimeout(late);
  await tls.end();
  return 0;
}

function toldToStop(master: Master | undefined): Promise<NodeJS.Signals> {
  // Certificates and rules are read for each client, and programs are started for each: there is nothing to renew.
  for (const signal of ["SIGHUP", "SIGUSR2"] as const) process.on(signal, () => {});
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) process.on(signal, () => resolve(signal));
    if (master !== undefined) master.channel.onClose = () => resolve("SIGTERM");
  });
}

/** A process for the TLS of one session: it gets the keys, then the client, and ends with the session. */
class TlsProcesses {
  readonly #service: Service;
  readonly #password: Uint8Array | undefined;
  readonly #log: (line: string) => void;
  readonly #roles: Roles;
  readonly #processes: WorkerProcesses;

  constructor(service: Service, password: Uint8Array | undefined, system: System) {
    this.#service = service;
    this.#password = password;
    this.#log = (line) => system.log(line);
    this.#roles = new Roles(unprivilegedOf(system.home()), system.uids().effective === 0);
    this.#processes = new WorkerProcesses({
      entry: process.argv[1]!,
      home: "/",
      log: this.#log,
      hear: (worker, { head }) => {
        if (head.kind === "idle") void this.#processes.end(worker);
      },
      lost: () => {}, // its session is over; the next one has its own
    });
  }

  /** Throws when the certificate cannot be used: better now than when the first client asks for TLS. */
  async verify(): Promise<void> {
    const { certificate, server, verbosity } = this.#service;
    if (certificate === undefined) return;
    const { worker, channel, answer } = this.start();
    const head: Readonly<Record<string, unknown>> = (await answer)?.head ?? {
      problem: "the TLS process is away",
    };
    channel.close();
    await this.#processes.end(worker);
    if (head["problem"] !== undefined) throw new Error(`unable to load certificate: ${head["problem"]}`);
    if (verbosity === 0) return;
    for (const warning of (head["warnings"] ?? []) as readonly string[])
      this.#log(`${server}: warning: ${warning}`);
  }

  /** The channel is that of a front: it takes one handshake. */
  start() {
    const role = this.#roles.tls(this.#service);
    if (role === undefined) throw new RangeError("a service without certificate has no TLS");
    const worker = this.#processes.of({ ...role, key: `tls ${this.#processes.nextId()}` });
    const { head, body } = policyOf(this.#service, this.#service.certificate!, this.#password);
    const answer = worker.channel.ask(head, body);
    body.fill(0); // the frame was made by then
    const [ours, theirs] = channelPair();
    const facts = { kind: "peer", role: "front", once: true };
    worker.channel.send(facts, undefined, [theirs.stream, theirs.packets]);
    return { worker, channel: new Channel(ours), answer };
  }

  end(): Promise<void> {
    return this.#processes.endAll();
  }
}
