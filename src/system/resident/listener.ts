/** One listening socket in a front: at most `limit` sessions at once, the next ones wait in the kernel. */
import { closeSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { networkBits } from "../../protocol/ucspi/address.ts";
import { connectionEnvironment, type Ends, plainAddress } from "../../protocol/ucspi/environment.ts";
import { acceptLine, denyLine, endLine, okLine, pidLine, statusLine } from "../../protocol/ucspi/log-line.ts";
import { applyBlock } from "../../protocol/ucspi-tls/level.ts";
import { ownAddresses } from "../addresses.ts";
import { duplicateFrom } from "../native.ts";
import { runResident, type Secured } from "../resident-host.ts";
import { connection } from "../stream.ts";
import {
  CannotOpen,
  type Ended,
  type Facts,
  type Input,
  type Output,
  type Programs,
  systemWords,
} from "../system.ts";
import { type Admission, Admissions } from "./admission.ts";
import type { Channel } from "./channel.ts";
import { lendTls } from "./lend-tls.ts";
import { proxiedEnds } from "./proxied.ts";
import type { Service } from "./service.ts";
import { SessionRecord } from "./session-record.ts";
import { waitStatus } from "./wait-status.ts";

export interface Surroundings {
  readonly programs: Programs;
  /** The handshake, with the client's name where it is known. */
  readonly secure: ((input: Input, output: Output, host: string | undefined) => Promise<Secured>) | undefined;
  tls(): Channel | undefined;
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

function endsOf(socket: Socket, localHost: string | undefined): Ends {
  const local = plainAddress(socket.localAddress ?? "");
  const remote = plainAddress(socket.remoteAddress ?? "");
  return {
    family: remote.family,
    localIp: local.ip,
    localPort: socket.localPort ?? 0,
    remoteIp: remote.ip,
    remotePort: socket.remotePort ?? 0,
    localHost,
  };
}

/** Who, TLS, verbs, messages, octets, outcome, seconds. */
const recordOrder = "pid remote port program tls cipher user verbs messages in out exit signal seconds".split(
  " ",
);

/** Sessions of one address at once, unless -C says otherwise. */
const usualLimitPerAddress = 50;

export class Listener {
  readonly #service: Service;
  readonly #around: Surroundings;
  readonly #base: Map<string, string>;
  readonly #admissions: Admissions;
  /** Sessions by address. */
  readonly #here = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  readonly #listening: number;
  #server: Server | undefined;
  #sessions = 0;
  #stopped: (() => void) | undefined;

  constructor(service: Service, listening: number, around: Surroundings) {
    this.#service = service;
    this.#around = around;
    this.#listening = listening;
    this.#base = new Map(Object.entries(service.env));
    this.#admissions = new Admissions(service);
    this.#log(1, statusLine(service.server, 0, service.limit), 2);
    this.#open();
  }

  /** No new sessions; those under way may take `seconds` more. Resolves when none is left. */
  async stop(seconds: number): Promise<void> {
    this.#server?.close();
    this.#server = undefined;
    closeSync(this.#listening);
    if (this.#sessions === 0) return;
    const late = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, seconds * 1000);
    await new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    clearTimeout(late);
  }

  #open(): void {
    const server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: this.#service.noDelay,
    });
    server.on("connection", (socket) => this.#accepted(socket));
    server.on("error", (error) =>
      this.#log(1, `${this.#service.server}: warning: cannot accept: ${error.message}`),
    );
    // A descriptor of its own: closing it stops accepting, and the socket goes on listening.
    server.listen({ fd: duplicateFrom(this.#listening, 3) });
    this.#server = server;
  }

  #accepted(socket: Socket): void {
    const ends = endsOf(socket, this.#service.localHost);
    const proxy = this.#isProxy(ends.remoteIp);
    if (!proxy && !this.#welcome(ends)) {
      socket.destroy();
      return;
    }
    this.#sessions += 1;
    if (this.#sessions >= this.#service.limit) {
      this.#server?.close();
      this.#server = undefined;
    }
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    const served = proxy ? this.#behindProxy(socket, ends) : this.#counted(socket, ends);
    void served.finally(() => {
      socket.destroySoon();
      this.#sessions -= 1;
      this.#log(2, statusLine(this.#service.server, this.#sessions, this.#service.limit));
      if (this.#stopped !== undefined) {
        if (this.#sessions === 0) this.#stopped();
      } else if (this.#server === undefined) this.#open();
    });
  }

  #isProxy(address: string): boolean {
    const { proxies } = this.#service;
    if (proxies.length === 0) return false;
    const bits = networkBits(address) ?? "";
    return proxies.some((network) => bits.startsWith(network));
  }

  /** A proxy's connection is judged by whom it is for. */
  async #behindProxy(socket: Socket, from: Ends): Promise<void> {
    const ends = await proxiedEnds(socket, from);
    if (ends !== undefined) {
      if (this.#welcome(ends)) await this.#counted(socket, ends);
      return;
    }
    const { server } = this.#service;
    this.#log(1, `${server}: warning: dropping connection, no PROXY header from ${from.remoteIp}`);
  }

  #welcome(ends: Ends): boolean {
    if (!this.#around.turnedAway(ends.remoteIp) && !this.#tooMany(ends.remoteIp)) return true;
    this.#log(2, denyLine(this.#service.server, nextPid(), ends));
    return false;
  }

  async #counted(socket: Socket, ends: Ends): Promise<void> {
    this.#count(ends.remoteIp, 1);
    await this.#session(socket, ends).finally(() => this.#count(ends.remoteIp, -1));
  }

  #tooMany(address: string): boolean {
    const { limitPerAddress } = this.#service;
    if ((this.#here.get(address) ?? 0) < (limitPerAddress ?? usualLimitPerAddress)) return false;
    return limitPerAddress !== undefined || !ownAddresses().has(address);
  }

  #count(address: string, change: number): void {
    const now = (this.#here.get(address) ?? 0) + change;
    if (now === 0) this.#here.delete(address);
    else this.#here.set(address, now);
  }

  async #session(socket: Socket, first: Ends): Promise<void> {
    const { server, limit, banner, tcpEnvironment } = this.#service;
    const pid = nextPid();
    this.#log(2, statusLine(server, this.#sessions, limit));
    this.#log(2, pidLine(server, pid, first));
    if (server === "tcpserver" && banner !== "") socket.write(banner, "latin1");
    let admission: Admission;
    try {
      admission = await this.#admissions.of(first);
    } catch (error) {
      const why = error instanceof CannotOpen ? systemWords(error.code) : (error as Error).message;
      const what = `unable to read ${this.#service.rules?.file}: ${why}`;
      this.#log(1, `${server}: warning: dropping connection, ${what}`);
      this.#log(2, endLine(server, pid, waitStatus({ code: exit.temporary })));
      return;
    }
    const { ends, verdict } = admission;
    if (verdict.deny) {
      this.#log(2, denyLine(server, pid, ends));
      this.#log(2, endLine(server, pid, waitStatus({ code: exit.denied })));
      return;
    }
    this.#log(2, okLine(server, pid, ends));
    const env = new Map(this.#base);
    applyBlock(env, connectionEnvironment(ends, { tcp: tcpEnvironment, ssl: server === "sslserver" }));
    applyBlock(env, verdict.env);
    const started = performance.now();
    const record = new SessionRecord();
    record.add({ pid, remote: ends.remoteIp, port: ends.remotePort, program: this.#service.argv[0]! });
    const ended = await this.#run(socket, env, { pid, host: ends.remoteHost }, record);
    this.#log(2, endLine(server, pid, waitStatus(ended)));
    const seconds = ((performance.now() - started) / 1000).toFixed(3);
    record.add({ ...("code" in ended ? { exit: String(ended.code) } : ended), seconds });
    this.#log(2, `${server}: session ${record.line(recordOrder)}`);
  }

  async #run(
    socket: Socket,
    env: Map<string, string>,
    { pid, host }: { readonly pid: number; readonly host: string | undefined },
    record: SessionRecord,
  ): Promise<Ended> {
    const { server, argv, cwd, tls, banner, tlsEnvironment } = this.#service;
    const { programs, secure } = this.#around;
    const log = (line: string) => this.#around.log(line);
    const clear = connection(socket);
    let { input, output }: { input: Input; output: Output } = clear;
    const secured = (inside: Secured) => {
      input = inside.input;
      output = inside.output;
      const { SSL_PROTOCOL: tls = "", SSL_CIPHER: cipher = "" } = Object.fromEntries(inside.block);
      record.add({ tls, cipher });
      this.#log(2, acceptLine(server, pid, this.#service.verbosity > 2 ? `${tls}:${cipher}` : ""));
    };
    const dropped = (why: string) =>
      this.#log(1, `${server}: warning: dropping SSL connection, unable to accept SSL: ${why}`);
    if (tls === "at once" && secure !== undefined) {
      try {
        const inside = await secure(input, output, host);
        if (tlsEnvironment) applyBlock(env, inside.block);
        secured(inside);
      } catch (error) {
        dropped((error as Error).message);
        return { code: 111 };
      }
    }
    if (server === "sslserver" && banner !== "") await output.write(Buffer.from(banner, "latin1"));
    const startTls =
      tls === "delayed" && secure !== undefined
        ? async (from: Input, to: Output) => {
            const inside = await secure(from, to, host).catch((error: Error) => {
              dropped(error.message);
              throw error;
            });
            secured(inside);
            return inside;
          }
        : undefined;
    const lend = (client: Input) =>
      lendTls(client, {
        service: this.#service.id,
        seconds: this.#service.handshakeSeconds,
        host,
        tls: () => this.#around.tls(),
        accepted: (tls, cipher) => {
          record.add({ tls, cipher });
          this.#log(2, acceptLine(server, pid, this.#service.verbosity > 2 ? `${tls}:${cipher}` : ""));
        },
        refused: (why) => this.#log(1, `${server}: warning: dropping SSL connection, ${why}`),
      });
    const delayed = startTls && { startTls, lendTls: lend };
    const recorded = (facts: Facts) => record.add(facts);
    const ended = await runResident(argv, {
      programs,
      env,
      cwd,
      input,
      output,
      log,
      record: recorded,
      ...delayed,
    });
    // What was said in clear before TLS counts too.
    for (const end of new Set([clear.input, input]))
      record.add({ in: (end as { octets?: number }).octets ?? 0 });
    for (const end of new Set([clear.output, output]))
      record.add({ out: (end as { octets?: number }).octets ?? 0 });
    await output.flush().catch(() => {});
    output.close();
    input.close();
    return ended;
  }

  #log(level: number, line: string, least = level): void {
    if (this.#service.verbosity >= least) this.#around.log(line);
  }
}
