/** Client addresses as the book of failures groups them: whoever has one address of a group has them all. */
import { BlockList, isIP } from "node:net";

/**
 * The network of a client: an IPv4 address by itself, an IPv6 address by its first 64 bits, which is what one
 * customer gets. Undefined for text that is no address.
 */
export function networkOf(address: string): string | undefined {
  const [bare = ""] = address.split("%", 1); // fe80::1%eth0
  const version = isIP(bare);
  if (version === 4) return bare;
  if (version !== 6) return undefined;
  const groups = expand(bare.toLowerCase());
  const mapped = groups.slice(0, 6).join(":") === "0:0:0:0:0:ffff";
  if (mapped) return groups.slice(6).map(asIPv4).join(".");
  return `${groups.slice(0, 4).join(":")}::/64`;
}

const asIPv4 = (group: string) => {
  const value = Number.parseInt(group, 16);
  return `${value >> 8}.${value & 255}`;
};

/** The eight groups of a valid IPv6 address, without leading zeros. */
function expand(address: string): string[] {
  const hexadecimal = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const group = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16);
    return `${group(a, b)}:${group(c, d)}`;
  });
  const [head = "", tail] = hexadecimal.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<string>(missing).fill("0"), ...right].map((group) =>
    group.replace(/^0+(?=.)/, ""),
  );
}

/** Addresses and networks (`10.0.0.0/8`, `2001:db8::/32`). Throws RangeError, with the text that is neither. */
export function networks(list: readonly string[]): { has(address: string): boolean } {
  const all = new BlockList();
  for (const text of list) {
    const [address = "", bits] = text.split("/");
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (version === 0 || !(prefix <= most)) throw new RangeError(`${text} is no address and no network`);
    all.addSubnet(address, prefix, version === 4 ? "ipv4" : "ipv6");
  }
  return {
    has: (address) => {
      const [bare = ""] = address.split("%", 1);
      const version = isIP(bare);
      return version !== 0 && all.check(bare, version === 4 ? "ipv4" : "ipv6");
    },
  };
}

/** Clients that are never kept waiting: ourselves. */
export const loopback: readonly string[] = ["127.0.0.0/8", "::1"];
