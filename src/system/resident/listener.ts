/** One listening socket: at most `limit` sessions at once, the next ones wait in the kernel. */
import { closeSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { networkBits } from "../../protocol/ucspi/address.ts";
import { connectionEnvironment, type Ends, s6Environment } from "../../protocol/ucspi/environment.ts";
import { type Counts, type LogLine, type ServerLog, serverLog } from "../../protocol/ucspi/server-log.ts";
import { applyBlock } from "../../protocol/ucspi-tls/level.ts";
import { duplicateFrom } from "../native.ts";
import { closes } from "../stream.ts";
import { CannotOpen, type Ended, systemWords } from "../system.ts";
import { type Admission, Admissions } from "./admission.ts";
import { descriptors, type Room } from "./descriptors.ts";
import { endsOf } from "./ends.ts";
import { proxiedEnds } from "./proxied.ts";
import type { Admitted, Client } from "./run-session.ts";
import type { Service } from "./service.ts";
import { environmentFor } from "./session-environment.ts";
import { SessionRecord } from "./session-record.ts";
import { SessionsByAddress } from "./sessions-by-address.ts";
import { waitStatus } from "./wait-status.ts";

/** A session that another listener began, whose place we took. */
export interface Earlier {
  readonly pid: number;
  readonly remoteIp: string;
  readonly record: SessionRecord;
  readonly ended: Promise<Ended>;
}

export interface Surroundings {
  /** Runs the service's programs on a connection, here or elsewhere. Never throws. */
  run(admitted: Admitted): Promise<Ended>;
  /** Ends all sessions that run elsewhere. */
  cut?(): void;
  /** For how many sessions there are descriptors; undefined: this process has all of them. */
  readonly room?: Room;
  /** True for the address of a client that is not to be served. */
  turnedAway(client: string): boolean;
  log(line: string): void;
}

/** How a session ends that never ran a program. sslserver(8) */
const exit = { denied: 100, temporary: 111 };

let lastSession = 0;
function nextPid(): number {
  lastSession += 1;
  return process.pid * 100_000 + (lastSession % 100_000);
}

/** Who, TLS, verbs, messages, octets, outcome, seconds. */
const recordOrder = "pid remote port program tls cipher user verbs messages in out exit signal seconds".split(
  " ",
);

/** A listening socket of Node.js takes one client in each turn of the event loop: it is listened on so many times. */
const acceptedInTurn = 4;

const warnEveryMs = 60_000;
const tryAgainMs = 500;

export class Listener {
  readonly #service: Service;
  readonly #around: Surroundings;
  readonly #words: ServerLog;
  readonly #admissions: Admissions;
  readonly #here: SessionsByAddress;
  readonly #room: Room;
  readonly #clients = new Set<Client>();
  readonly #listening: number;
  readonly #servers = new Set<Server>();
  #sessions = 0;
  #left = false;
  #stopped: (() => void) | undefined;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(service: Service, listening: number, around: Surroundings, earlier: readonly Earlier[] = []) {
    this.#service = service;
    this.#around = around;
    this.#listening = listening;
    this.#admissions = new Admissions(service);
    this.#here = new SessionsByAddress(service);
    this.#room = around.room ?? descriptors();
    this.#words = serverLog(service.server);
    this.#log(this.#words.starting(service.host, service.port));
    for (const one of earlier) this.#adopt(one);
    this.#log(this.#words.status(this.#counts()));
    this.#open();
  }

  /** No new sessions; those under way may take `seconds` more. Resolves when none is left. */
  async stop(seconds: number): Promise<void> {
    this.#left = true;
    this.#close();
    closeSync(this.#listening);
    if (this.#sessions > 0) await this.#lastSessions(seconds);
    this.#log(this.#words.exiting);
  }

  async #lastSessions(seconds: number): Promise<void> {
    const late = setTimeout(() => {
      for (const { socket } of this.#clients) socket?.destroy();
      this.#around.cut?.();
    }, seconds * 1000);
    await new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    clearTimeout(late);
  }

  /** Accepts, as far as there is room and more is wanted. */
  #open(): void {
    if (this.#left) return;
    const most = Math.min(acceptedInTurn, this.#service.limit - this.#sessions);
    while (this.#servers.size < most && this.#openOne());
  }

  /** False: it cannot be now, and is tried again. */
  #openOne(): boolean {
    const server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: this.#service.noDelay,
    });
    server.on("connection", (socket) => this.#accepted(socket));
    server.on("error", (error) => this.#warnOnce(`cannot accept: ${error.message}`));
    // A descriptor of its own: closing it stops accepting, and the socket goes on listening.
    try {
      server.listen({ fd: duplicateFrom(this.#listening, 3) }, this.#service.backlog);
      this.#servers.add(server);
      return true;
    } catch (error) {
      this.#warnOnce(`cannot accept: ${(error as Error).message}`);
      setTimeout(() => this.#open(), tryAgainMs);
      return false;
    }
  }

  /** Whoever comes now waits in the kernel. */
  #close(): void {
    for (const server of this.#servers) server.close();
    this.#servers.clear();
  }

  #accepted(socket: Socket): void {
    const ends = endsOf(socket, this.#service.localHost);
    const proxy = this.#isProxy(ends.remoteIp);
    if (!proxy && !this.#welcome(ends)) {
      socket.destroy();
      return;
    }
    this.#takeSeat();
    const client: Client = { socket };
    this.#clients.add(client);
    socket.on("error", closes);
    const served = proxy ? this.#behindProxy(client, ends) : this.#counted(client, ends);
    void served.finally(() => {
      this.#clients.delete(client);
      client.socket?.destroySoon();
      this.#giveSeat();
    });
  }

  /** One session more; the last one for now makes all others wait. */
  #takeSeat(): void {
    this.#sessions += 1;
    const more = this.#room.take(() => this.#open());
    if (!more) this.#warnOnce(`only ${this.#room.most} sessions at once: too few open files (ulimit -n)`);
    if (!more || this.#sessions >= this.#service.limit) this.#close();
  }

  #giveSeat(): void {
    this.#sessions -= 1;
    this.#log(this.#words.status(this.#counts()));
    if (this.#sessions === 0) this.#stopped?.();
    // What the session held is closed by then.
    setImmediate(() => {
      this.#room.give();
      this.#open();
    });
  }

  #adopt({ pid, remoteIp, record, ended }: Earlier): void {
    this.#takeSeat();
    this.#here.add(remoteIp);
    void ended.then((how) => {
      this.#ended(pid, remoteIp, how, record);
      this.#giveSeat();
    });
  }

  /** Something that happens to many clients at the same moment. */
  #warnOnce(why: string): void {
    if (performance.now() - this.#warnedAt < warnEveryMs) return;
    this.#warnedAt = performance.now();
    this.#log(this.#words.warning(why));
  }

  #isProxy(address: string): boolean {
    const { proxies } = this.#service;
    if (proxies.length === 0) return false;
    const bits = networkBits(address) ?? "";
    return proxies.some((network) => bits.startsWith(network));
  }

  /** A proxy's connection is judged by whom it is for. */
  async #behindProxy(client: Client, from: Ends): Promise<void> {
    const ends = await proxiedEnds(client.socket!, from);
    if (ends !== undefined) {
      if (this.#welcome(ends)) await this.#counted(client, ends);
      return;
    }
    this.#log(this.#words.warning(`dropping connection, no PROXY header from ${from.remoteIp}`));
  }

  #welcome(ends: Ends): boolean {
    if (!this.#around.turnedAway(ends.remoteIp) && !this.#here.tooMany(ends.remoteIp)) return true;
    this.#log(this.#words.turnedAway(nextPid(), ends, this.#counts(ends)));
    return false;
  }

  /** From the client's arrival to its end. */
  async #counted(client: Client, ends: Ends): Promise<void> {
    this.#here.add(ends.remoteIp);
    const pid = nextPid();
    this.#log(this.#words.accepted(pid, ends, this.#counts(ends)));
    const record = new SessionRecord();
    const admitted = await this.#letIn(client, ends, pid, record);
    const started = performance.now();
    const how = "code" in admitted ? admitted : await this.#around.run(admitted);
    if (!("code" in admitted)) {
      const seconds = ((performance.now() - started) / 1000).toFixed(3);
      record.add({ ...("code" in how ? { exit: String(how.code) } : how), seconds });
    }
    this.#ended(pid, ends.remoteIp, how, record);
  }

  #ended(pid: number, remoteIp: string, how: Ended, record: SessionRecord): void {
    this.#here.remove(remoteIp);
    this.#log(this.#words.ended(pid, waitStatus(how), this.#counts({ remoteIp })));
    const line = record.line(recordOrder);
    if (line !== "") this.#log(this.#words.session(line));
  }

  /** How many sessions there are, and of the client's address. */
  #counts(client?: Pick<Ends, "remoteIp">): Counts {
    const here = client === undefined ? 0 : this.#here.of(client.remoteIp);
    return { sessions: this.#sessions, limit: this.#service.limit, here, limitHere: this.#here.limit };
  }

  /** A client that may come in, or how it ends that may not. */
  async #letIn(
    client: Client,
    first: Ends,
    pid: number,
    record: SessionRecord,
  ): Promise<Admitted | { readonly code: number }> {
    const { server, banner, rules, argv } = this.#service;
    if (server === "tcpserver" && banner !== "") client.socket?.write(banner, "latin1");
    let admission: Admission;
    try {
      admission = await this.#admissions.of(first);
    } catch (error) {
      const why = error instanceof CannotOpen ? systemWords(error.code) : (error as Error).message;
      this.#log(this.#words.warning(`dropping connection, unable to read ${rules?.file}: ${why}`));
      return { code: exit.temporary };
    }
    const { ends, verdict } = admission;
    if (verdict.deny) {
      this.#log(this.#words.denied(pid, ends));
      return { code: exit.denied };
    }
    this.#log(this.#words.allowed(pid, ends));
    const env = environmentFor(this.#service, this.#factsOf(ends));
    applyBlock(env, verdict.env);
    record.add({ pid, remote: ends.remoteIp, port: ends.remotePort, program: argv[0]! });
    return { client, env, pid, host: ends.remoteHost, record };
  }

  #factsOf(ends: Ends): Map<string, string> {
    const { server, tcpEnvironment } = this.#service;
    if (server === "s6-tcpserverd") return s6Environment(ends, this.#here.of(ends.remoteIp) - 1);
    return connectionEnvironment(ends, { tcp: tcpEnvironment, ssl: server === "sslserver" });
  }

  #log(lines: readonly LogLine[]): void {
    for (const [verbosity, text] of lines) if (this.#service.verbosity >= verbosity) this.#around.log(text);
  }
}
