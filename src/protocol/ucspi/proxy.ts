/**
 * The PROXY protocol, versions 1 and 2: what a proxy says of its client before the first byte of the conversation.
 * Source: The PROXY protocol, versions 1 & 2 (haproxy, doc/proxy-protocol.txt), §2.1 and §2.2
 */
import { addressText } from "./address.ts";

export interface ProxyHeader {
  /** What comes after them is the conversation. */
  readonly octets: number;
  /** The client's connection, as the proxy saw it; undefined: the proxy speaks for itself (health checks). */
  readonly ends:
    | {
        readonly remoteIp: string;
        readonly remotePort: number;
        readonly localIp: string;
        readonly localPort: number;
      }
    | undefined;
}

/** §2.1: the longest line of version 1; the longest header of version 2 that we read. */
export const maximumHeaderOctets = 536;
const maximumLineOctets = 107;

const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const lineStart = Buffer.from("PROXY ", "latin1");

/** The header at the start of `bytes`; `more` when it may still come, `none` when these are no header. */
export function proxyHeader(bytes: Buffer): ProxyHeader | "more" | "none" {
  for (const [start, parse] of [
    [lineStart, line],
    [signature, binary],
  ] as const) {
    const seen = Math.min(bytes.length, start.length);
    if (bytes.compare(start, 0, seen, 0, seen) !== 0) continue;
    return seen < start.length ? "more" : parse(bytes);
  }
  return "none";
}

/** `PROXY TCP4 192.0.2.7 192.0.2.1 40000 25`, CR LF. */
function line(bytes: Buffer): ProxyHeader | "more" | "none" {
  const end = bytes.subarray(0, maximumLineOctets).indexOf("\r\n");
  if (end < 0) return bytes.length < maximumLineOctets ? "more" : "none";
  const [, family, remoteIp = "", localIp = "", remotePort, localPort] = bytes
    .toString("latin1", 0, end)
    .split(" ");
  const octets = end + 2;
  if (family === "UNKNOWN") return { octets, ends: undefined };
  const shape = family === "TCP4" ? /^\d+(\.\d+){3}$/ : /^[0-9a-f:.]*:[0-9a-f:.]*$/i;
  const ports = [remotePort, localPort].map((text) => (/^\d{1,5}$/.test(text ?? "") ? Number(text) : 65536));
  const good = /^TCP[46]$/.test(family ?? "") && shape.test(remoteIp) && shape.test(localIp);
  if (!good || ports.some((port) => port > 65535)) return "none";
  return { octets, ends: { remoteIp, localIp, remotePort: ports[0]!, localPort: ports[1]! } };
}

/** Version and command (1 octet), family (1), length of the rest (2), addresses, ports, more. */
function binary(bytes: Buffer): ProxyHeader | "more" | "none" {
  if (bytes.length < 16) return "more";
  const [versionAndCommand, family] = [bytes[12]!, bytes[13]!];
  const octets = 16 + bytes.readUInt16BE(14);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== 2 || command > 1 || octets > maximumHeaderOctets) return "none";
  if (bytes.length < octets) return "more";
  const size = family === 0x11 ? 4 : family === 0x21 ? 16 : 0;
  if (command === 0 || size === 0) return { octets, ends: undefined };
  if (octets < 16 + 2 * size + 4) return "none";
  const address = (at: number) => addressText(bytes.subarray(at, at + size));
  const ports = 16 + 2 * size;
  return {
    octets,
    ends: {
      remoteIp: address(16),
      localIp: address(16 + size),
      remotePort: bytes.readUInt16BE(ports),
      localPort: bytes.readUInt16BE(ports + 2),
    },
  };
}
