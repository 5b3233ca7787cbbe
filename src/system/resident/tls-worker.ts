/**
 * The TLS process: the only one that holds private keys. It is handed a connection at STARTTLS (or at its start),
 * does the handshake, and from then on carries bytes between the client and a UNIX socket: what is inside TLS, and
 * nothing else. It reads no files and knows no users.
 */
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { allocateApartFrom } from "../c-library/trim.ts";
import { Channel, type Received } from "./channel.ts";
import { Identities } from "./tls-identities.ts";
import type { PolicyHead } from "./tls-policy.ts";
import { serveTls } from "./tls-session.ts";

/** Node.js has 64 KiB for each connection to be read into, of which a session touches 4. */
const mostlyUntouchedOctets = 65_536;

export function tlsWorker(master: Channel): void {
  allocateApartFrom(mostlyUntouchedOctets);
  const identities = new Map<number, Identities>();

  master.onMessage = (message) => {
    const { head, body, descriptors } = message;
    if (head.kind === "context") {
      const policy = head as PolicyHead;
      try {
        // What was in use stays so when this throws.
        const fresh = new Identities(policy, body);
        identities.set(policy.service, fresh);
        master.reply(message, { warnings: fresh.warnings(Date.now()) });
      } catch (error) {
        master.reply(message, { problem: (error as Error).message });
      }
    } else if (head.kind === "forget") {
      identities.delete(Number(head["service"]));
    } else if (head.kind === "peer") {
      const front = new Channel({ stream: descriptors[0]!, packets: descriptors[1]! });
      const once = head["once"] === true;
      front.onMessage = (message) => {
        if (message.head.kind !== "handshake") {
          for (const fd of message.descriptors) closeSync(fd);
          return;
        }
        const asked = message.head["question"] !== undefined;
        const service = Number(message.head["service"]);
        const over = () => {
          if (once) master.send({ kind: "idle" });
        };
        const told = (facts: Record<string, unknown>) => {
          if (asked) front.reply(message, facts);
          // A program that is lent TLS hears of it elsewhere: it may have ended before a word that waits for company.
          front.flush();
          if (facts["secured"] !== true) over();
        };
        const ended = (how: string) => {
          if (how !== "") front.send({ kind: "ended", service, how });
          over();
        };
        handshake(message, identities.get(service), { told, ended });
      };
    }
  };
}

/**
 * One connection. Descriptors: the client's socket; our end of the pair to the program; and, for a program that is a
 * process of its own, the control socket that waits for the reply. Without one the reply goes in front of the
 * clear text, in two parts, of which the first is the same for many sessions:
 *
 *     octets of both (4, 4; big endian)  first part  second part
 */
function handshake(
  { head, descriptors }: Received,
  identities: Identities | undefined,
  { told, ended }: { told(facts: Record<string, unknown>): void; ended(how: string): void },
): void {
  const [client, inside, control] = descriptors;
  if (client === undefined || inside === undefined) {
    // The kernel keeps what we have no room for.
    for (const fd of descriptors) closeSync(fd);
    told({ why: "the TLS process has too many open files" });
    return;
  }
  if (identities === undefined) {
    for (const fd of descriptors) closeSync(fd);
    told({ why: "no certificate" });
    return;
  }
  const reply =
    control === undefined ? undefined : new Socket({ fd: control, readable: false, writable: true });
  reply?.on("error", () => {});
  serveTls({
    client,
    said: inside,
    heard: inside,
    identities,
    ...identities.policy,
    host: typeof head["host"] === "string" ? head["host"] : undefined,
    seconds: Number(head["seconds"]),
    ended,
    refused: (why) => {
      reply?.destroy();
      told({ why });
    },
    secured: (tls) => {
      const { protocol, cipher, common, own } = identities.blockFor(tls);
      if (reply !== undefined) {
        told({ secured: true, protocol, cipher });
        reply.end(head["silent"] ? "" : Buffer.concat([common, own]));
        return undefined;
      }
      const first = Buffer.allocUnsafe(8 + common.length + own.length);
      first.writeUInt32BE(common.length, 0);
      first.writeUInt32BE(own.length, 4);
      first.set(common, 8);
      first.set(own, 8 + common.length);
      return first;
    },
  });
}
