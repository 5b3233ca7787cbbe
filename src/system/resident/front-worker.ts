/**
 * A front: it accepts connections and runs their chains, in clear text, without privileges. At STARTTLS it hands the
 * connection to the TLS process; at checkpassword it hands the question to the auth process and then the
 * connection to the worker of the user.
 */

import { closeSync } from "node:fs";
import { TurnedAway } from "../../auth/turned-away.ts";
import { parseBlock } from "../../protocol/ucspi-tls/block.ts";
import { duplicateFrom, socketPair } from "../native.ts";
import type { Secured } from "../resident-host.ts";
import { connectionOf, type StreamInput } from "../stream.ts";
import { type Input, type Output, type Program, type Programs, TlsFailed } from "../system.ts";
import { askAuth } from "./ask-auth.ts";
import { Channel } from "./channel.ts";
import { Listener } from "./listener.ts";
import { LogLines } from "./log-lines.ts";
import { asksForUser, checkpasswordOf, type Service } from "./service.ts";
import { UserWorkers } from "./user-workers.ts";

export function frontWorker(master: Channel, programs: Programs): void {
  const listeners = new Map<number, Listener>();
  const peers: { tls?: Channel; auth?: Channel } = {};
  const users = new UserWorkers(master);
  const log = new LogLines(master);
  const turnedAway = new TurnedAway();

  const secure =
    (service: Service) =>
    async (input: Input, output: Output, host: string | undefined): Promise<Secured> => {
      if (peers.tls === undefined || peers.tls.closed) throw new TlsFailed("the TLS process is away");
      await output.flush();
      const client = input.fd;
      if (client === undefined) throw new TlsFailed("not a connection");
      const passed = duplicateFrom(client, 3);
      const [ours, theirs] = pairOr(() => closeSync(passed));
      input.close();
      const seconds = service.handshakeSeconds;
      const head = { kind: "handshake", service: service.id, seconds, host };
      const told = peers.tls.ask(head, undefined, [passed, theirs]);
      const inside = connectionOf(ours);
      try {
        return { ...(await readReply(inside.input, seconds + 5)), output: inside.output };
      } catch (error) {
        inside.socket.destroy();
        const why = (await told)?.head["why"];
        throw new TlsFailed(typeof why === "string" ? why : "the TLS process is away", { cause: error });
      }
    };

  /** In an auth front, the checkpassword is a question to another process. All else is the program itself. */
  const elsewhere = (service: Service) => {
    if (!asksForUser(service)) return () => undefined;
    const { argv: question } = checkpasswordOf(service);
    return (argv: readonly string[]): Program | undefined =>
      argv.length === question.length && argv.every((word, at) => word === question[at])
        ? askAuth(service, () => peers.auth, users)
        : undefined;
  };

  master.onMessage = (message) => {
    const { head, descriptors } = message;
    const service = head["service"] as Service;
    switch (head.kind) {
      case "serve":
        listeners.set(
          service.id,
          new Listener(service, descriptors[0]!, {
            programs,
            elsewhere: elsewhere(service),
            secure: service.tls === "none" ? undefined : secure(service),
            turnedAway: (client) => asksForUser(service) && turnedAway.has(client, Date.now()),
            tls: () => (peers.tls?.closed ? undefined : peers.tls),
            log: (line) => log.add(service.id, line),
          }),
        );
        break;
      case "stop": {
        const id = Number(head["id"]);
        const ended = listeners.get(id)?.stop(Number(head["seconds"]));
        listeners.delete(id);
        master.reply(message, {}); // the port is free
        void ended?.then(() => {
          log.flush();
          master.send({ kind: "stopped", id });
        });
        break;
      }
      case "peer": {
        const channel = new Channel({ stream: descriptors[0]!, packets: descriptors[1]! });
        if (head["role"] === "tls") {
          peers.tls = channel;
          channel.onMessage = ({ head }) => {
            if (head.kind === "ended") log.add(Number(head["service"]), `s6-tlsd-io: fatal: ${head["how"]}`);
          };
        } else if (head["role"] === "auth") {
          peers.auth = channel;
          channel.onMessage = ({ head }) => {
            if (head.kind !== "turnAway") return;
            turnedAway.tell(String(head["network"]), Number(head["seconds"]), Date.now());
          };
        } else users.joined(Number(head["id"]), channel);
        break;
      }
    }
  };
}

/** A pair of sockets; `failed` gives back what was meant to go with it. */
function pairOr(failed: () => void): [number, number] {
  try {
    return socketPair();
  } catch (error) {
    failed();
    throw error;
  }
}

/** Reads the reply that the TLS process puts in front of the clear text. No byte at all: the handshake failed. */
async function readReply(input: StreamInput, seconds: number): Promise<Omit<Secured, "output">> {
  let bytes = Buffer.alloc(0);
  for (;;) {
    const chunk = await input.read(seconds).catch(() => null);
    if (chunk === null) throw new TlsFailed("the handshake failed");
    bytes = bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([bytes, chunk]);
    if (bytes.length < 4 || bytes.length < 4 + bytes.readUInt32BE(0)) continue;
    const end = 4 + bytes.readUInt32BE(0);
    const rest = bytes.subarray(end);
    input.octets = rest.length; // what the client said begins here
    return {
      block: parseBlock(bytes.subarray(4, end)),
      input: rest.length === 0 ? input : before(rest, input),
    };
  }
}

/** An input that has `bytes` in front of it. */
function before(bytes: Uint8Array, input: StreamInput): Input & { readonly octets: number } {
  let first: Uint8Array | undefined = bytes;
  return {
    read: async (timeoutSeconds) => {
      const now = first;
      first = undefined;
      return now ?? input.read(timeoutSeconds);
    },
    close: () => input.close(),
    get octets() {
      return input.octets;
    },
    get fd() {
      return first === undefined ? input.fd : undefined;
    },
  };
}
