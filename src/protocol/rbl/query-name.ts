/** The name under which a DNS list knows an address. RFC 5782 §2.1, §2.4. */
import { isIP } from "node:net";

/** `4.3.2.1`, or 32 nibbles for IPv6, last first; an IPv4 address in IPv6 is IPv4. Undefined when it is no address. */
export function reversedAddress(ip: string): string | undefined {
  const family = isIP(ip);
  if (family === 4) return ip.split(".").reverse().join(".");
  if (family !== 6) return undefined;
  const groups = groupsOf(ip);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return reversedAddress(dotted(groups[6]!, groups[7]!));
  const nibbles = groups.map((group) => group.toString(16).padStart(4, "0")).join("");
  return [...nibbles].reverse().join(".");
}

/** This machine talks to itself: no list has it, and nobody should wait to hear so. */
export function isLoopback(ip: string): boolean {
  const reversed = reversedAddress(ip);
  return reversed !== undefined && (reversed.endsWith(".127") || reversed === `1${".0".repeat(31)}`);
}

/** The eight groups of an IPv6 address. */
function groupsOf(ip: string): readonly number[] {
  const plain = ip.replace(/%.*$/, "").replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const pair = (high: string, low: string) => ((Number(high) << 8) | Number(low)).toString(16);
    return `${pair(a, b)}:${pair(c, d)}`;
  });
  const [head = "", tail] = plain.split("::");
  const groups = (text: string) =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const first = groups(head);
  const last = groups(tail ?? "");
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
}

const dotted = (high: number, low: number) => [high >> 8, high & 255, low >> 8, low & 255].join(".");
