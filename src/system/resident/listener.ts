/** One listening socket in a front: at most `limit` sessions at once, the next ones wait in the kernel. */
import { Resolver } from "node:dns/promises";
import { closeSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { type Ends, plainAddress, sslserverEnvironment } from "../../protocol/ucspi/environment.ts";
import { acceptLine, denyLine, endLine, okLine, pidLine, statusLine } from "../../protocol/ucspi/log-line.ts";
import { applyBlock } from "../../protocol/ucspi-tls/level.ts";
import { duplicateFrom } from "../native.ts";
import type { Programs } from "../native-host.ts";
import { runResident, type Secured } from "../resident-host.ts";
import { connection } from "../stream.ts";
import type { Ended, Facts, Input, Output } from "../system.ts";
import type { Channel } from "./channel.ts";
import { lendTls } from "./lend-tls.ts";
import type { Service } from "./service.ts";
import { SessionRecord } from "./session-record.ts";
import { waitStatus } from "./wait-status.ts";

export interface Surroundings {
  readonly programs: Programs;
  readonly secure: ((input: Input, output: Output) => Promise<Secured>) | undefined;
  tls(): Channel | undefined;
  /** True for the address of a client that is not to be served. */
  turnedAway(client: string): boolean;
  log(line: string): void;
}

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

/** Seconds that the name of a client may take to be looked up; without one it is unknown, as to tcpserver -H. */
const lookUpSeconds = 5;

export class Listener {
  readonly #service: Service;
  readonly #around: Surroundings;
  readonly #base: Map<string, string>;
  readonly #resolver: Resolver;
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
    this.#resolver = new Resolver({ timeout: (lookUpSeconds * 1000) / 2, tries: 2 });
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
    if (this.#around.turnedAway(socket.remoteAddress ?? "")) {
      this.#log(2, denyLine(this.#service.server, nextPid(), endsOf(socket, this.#service.localHost)));
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
    void this.#session(socket).finally(() => {
      socket.destroySoon();
      this.#sessions -= 1;
      this.#log(2, statusLine(this.#service.server, this.#sessions, this.#service.limit));
      if (this.#stopped !== undefined) {
        if (this.#sessions === 0) this.#stopped();
      } else if (this.#server === undefined) this.#open();
    });
  }

  async #session(socket: Socket): Promise<void> {
    const { server, limit } = this.#service;
    const pid = nextPid();
    let ends = endsOf(socket, this.#service.localHost);
    this.#log(2, statusLine(server, this.#sessions, limit));
    this.#log(2, pidLine(server, pid, ends));
    if (this.#service.lookUpRemote) ends = { ...ends, remoteHost: await this.#nameOf(ends.remoteIp) };
    this.#log(2, okLine(server, pid, ends));
    const env = new Map(this.#base);
    applyBlock(env, sslserverEnvironment(ends, this.#service.tcpEnvironment));
    const started = performance.now();
    const record = new SessionRecord();
    record.add({ pid, remote: ends.remoteIp, port: ends.remotePort, program: this.#service.argv[0]! });
    const ended = await this.#run(socket, env, pid, record);
    this.#log(2, endLine(server, pid, waitStatus(ended)));
    const seconds = ((performance.now() - started) / 1000).toFixed(3);
    record.add({ ...("code" in ended ? { exit: String(ended.code) } : ended), seconds });
    this.#log(2, `${server}: session ${record.line(recordOrder)}`);
  }

  async #run(socket: Socket, env: Map<string, string>, pid: number, record: SessionRecord): Promise<Ended> {
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
      this.#log(2, acceptLine(server, pid));
    };
    if (tls === "at once" && secure !== undefined) {
      try {
        const inside = await secure(input, output);
        if (tlsEnvironment) applyBlock(env, inside.block);
        secured(inside);
      } catch (error) {
        this.#log(
          1,
          `${server}: warning: dropping SSL connection, unable to accept SSL: ${(error as Error).message}`,
        );
        return { code: 111 };
      }
    }
    if (banner !== "") await output.write(Buffer.from(banner, "latin1"));
    const startTls =
      tls === "delayed" && secure !== undefined
        ? async (from: Input, to: Output) => {
            const inside = await secure(from, to);
            secured(inside);
            return inside;
          }
        : undefined;
    const lend = (client: Input) =>
      lendTls(client, {
        service: this.#service.id,
        seconds: this.#service.handshakeSeconds,
        tls: () => this.#around.tls(),
        accepted: () => this.#log(2, acceptLine(server, pid)),
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

  #log(level: number, line: string, least = level): void {
    if (this.#service.verbosity >= least) this.#around.log(line);
  }
}
