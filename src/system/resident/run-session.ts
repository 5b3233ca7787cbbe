/** Runs the chain of a service on one connection, with the TLS that the service offers. */
import type { Socket } from "node:net";
import { type LogLine, type ServerLog, serverLog } from "../../protocol/ucspi/server-log.ts";
import { applyBlock } from "../../protocol/ucspi-tls/level.ts";
import { s6TlsLog } from "../../protocol/ucspi-tls/s6-tls-log.ts";
import { runResident, type Secured } from "../resident-host.ts";
import { connection } from "../stream.ts";
import type { Ended, Input, Output, Program, Programs, System } from "../system.ts";
import type { Channel } from "./channel.ts";
import type { Environment } from "./environment.ts";
import { lendTls } from "./lend-tls.ts";
import type { Service } from "./service.ts";
import type { SessionRecord } from "./session-record.ts";

/** One connection, once its client was let in. */
export interface Admitted {
  readonly socket: Socket;
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
function tlsLogOf({
  server,
  verbosity,
  offer,
}: Service): [Pick<ServerLog, "secured" | "notSecured">, number] {
  return offer === undefined ? [serverLog(server), verbosity] : [s6TlsLog(offer.program), offer.verbosity];
}

/** Resolves when the last program has ended and all that it said is on its way. */
export async function runSession(admitted: Admitted, service: Service, around: Surroundings): Promise<Ended> {
  const { socket, env, pid, host, record } = admitted;
  const { server, argv, cwd, tls, banner, tlsEnvironment, handshakeSeconds, uid, gid } = service;
  const { programs, elsewhere, secure } = around;
  const [tlsLog, verbosity] = tlsLogOf(service);
  const log = (lines: readonly LogLine[]) => {
    for (const [from, text] of lines) if (verbosity >= from) around.log(text);
  };
  const accepted = (tls: string, cipher: string) => {
    record.add({ tls, cipher });
    log(tlsLog.secured(pid, verbosity > 2 ? `${tls}:${cipher}` : ""));
  };
  const clear = connection(socket);
  let { input, output }: { input: Input; output: Output } = clear;
  const secured = (inside: Secured) => {
    input = inside.input;
    output = inside.output;
    accepted(inside.block.get("SSL_PROTOCOL") ?? "", inside.block.get("SSL_CIPHER") ?? "");
  };
  const notSecured = (why: string) => log(tlsLog.notSecured(why));
  if (tls === "at once" && secure !== undefined) {
    try {
      const inside = await secure(input, output, host);
      if (tlsEnvironment) applyBlock(env, inside.block);
      secured(inside);
    } catch (error) {
      notSecured(`unable to accept SSL: ${(error as Error).message}`);
      return { code: 111 };
    }
  }
  if (server === "sslserver" && banner !== "") await output.write(Buffer.from(banner, "latin1"));
  const startTls = async (from: Input, to: Output) => {
    try {
      const inside = await secure!(from, to, host);
      secured(inside);
      return inside;
    } catch (error) {
      notSecured(`unable to accept SSL: ${(error as Error).message}`);
      throw error;
    }
  };
  const lend = (client: Input) =>
    lendTls(client, {
      service: service.id,
      seconds: handshakeSeconds,
      host,
      tls: () => around.tls(),
      accepted,
      refused: notSecured,
    });
  const onDemand = (tls === "delayed" || tls === "offered") && secure !== undefined;
  const ended = await runResident(argv, {
    programs,
    elsewhere,
    env,
    cwd,
    input,
    output,
    log: (line) => around.log(line),
    record: (facts) => record.add(facts),
    ...(around.tellBlocklist && { tellBlocklist: around.tellBlocklist }),
    native: service.native ? { uid, gid, stopped: around.stopped } : undefined,
    ...(onDemand && { startTls, lendTls: lend, tlsAwaitsOffer: tls === "offered" }),
  });
  // What was said in clear before TLS counts too. A process has the connection itself: nobody counts.
  for (const end of service.native ? [] : new Set([clear.input, input]))
    record.add({ in: (end as { octets?: number }).octets ?? 0 });
  for (const end of service.native ? [] : new Set([clear.output, output]))
    record.add({ out: (end as { octets?: number }).octets ?? 0 });
  await output.flush().catch(() => {});
  input.close(); // and with it the whole connection
  return ended;
}
