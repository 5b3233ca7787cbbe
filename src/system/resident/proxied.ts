/** The client behind a proxy, which says in front of the conversation who it is. protocol/ucspi/proxy.ts */
import type { Socket } from "node:net";
import { setTimeout as sleepMs } from "node:timers/promises";
import { type Ends, plainAddress } from "../../protocol/ucspi/environment.ts";
import { maximumHeaderOctets, proxyHeader } from "../../protocol/ucspi/proxy.ts";
import { discard, peek } from "../native.ts";
import { fdOf } from "../stream.ts";

/** A proxy sends its header at once. */
const patienceMs = 5000;
const firstPauseMs = 2;
const longestPauseMs = 100;

/**
 * The ends as the proxy tells them (its own, when it speaks for itself); undefined when it does not tell. Takes the
 * header off the socket and nothing more: what follows may be TLS, for another process.
 */
export async function proxiedEnds(socket: Socket, from: Ends): Promise<Ends | undefined> {
  const bytes = Buffer.alloc(maximumHeaderOctets);
  const until = performance.now() + patienceMs;
  for (let pause = firstPauseMs; performance.now() < until; pause = Math.min(2 * pause, longestPauseMs)) {
    const fd = fdOf(socket);
    const octets = fd === undefined ? 0 : peek(fd, bytes);
    if (fd === undefined || octets === 0) return undefined; // gone
    const header = octets === undefined ? "more" : proxyHeader(bytes.subarray(0, octets));
    if (header === "none") return undefined;
    if (header === "more") {
      await sleepMs(pause);
      continue;
    }
    discard(fd, header.octets);
    if (header.ends === undefined) return from;
    const { ip: remoteIp, family } = plainAddress(header.ends.remoteIp);
    return { ...from, ...header.ends, remoteIp, localIp: plainAddress(header.ends.localIp).ip, family };
  }
  return undefined;
}
