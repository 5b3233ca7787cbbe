/** Addresses as bits and in one form each, for rules. Source: RFC 4291 §2.2 */

/** The address as 32 or 128 characters 0 and 1; undefined when it is none. */
export function addressBits(address: string): string | undefined {
  if (!address.includes(":")) return quadBits(address);
  const groups = groupsOf(address);
  return groups?.map((group) => group.toString(2).padStart(16, "0")).join("");
}

/** An IPv6 address with all its digits, as rules are stored: `2001:0db8:…:0001`. IPv4 stays as it is. */
export function expandedAddress(address: string): string | undefined {
  if (!address.includes(":")) return address;
  return groupsOf(address)
    ?.map((group) => group.toString(16).padStart(4, "0"))
    .join(":");
}

/** The first bits of a network's addresses, after `4` or `6`: `192.0.2.0/24`, or one address. Undefined when it is none. */
export function networkBits(network: string): string | undefined {
  const [, address = "", length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
  const bits = addressBits(address);
  if (bits === undefined || Number(length ?? 0) > bits.length) return undefined;
  return (
    (bits.length === 32 ? "4" : "6") + bits.slice(0, length === undefined ? bits.length : Number(length))
  );
}

function quadBits(address: string): string | undefined {
  const parts = address.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.map((part) => Number(part).toString(2).padStart(8, "0")).join("");
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] | undefined {
  // A dotted quad at the end is two groups.
  const [, front = "", quad] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? ["", address];
  let text = front;
  if (quad !== undefined) {
    const bits = quadBits(quad);
    if (bits === undefined) return undefined;
    const hex = (from: number) => Number.parseInt(bits.slice(from, from + 16), 2).toString(16);
    text += `${hex(0)}:${hex(16)}`;
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill("0"), ...tail];
  return groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : undefined;
}

/** As text, as the kernel writes it: the longest run of zeros is `::`. RFC 5952 §4.2 */
export function addressText(octets: Buffer): string {
  if (octets.length === 4) return octets.join(".");
  const groups = Array.from({ length: 8 }, (_, at) => octets.readUInt16BE(at * 2).toString(16));
  const runs = [...groups.join(":").matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)];
  const longest = runs.reduce((best, [run]) => (run.length > best.length ? run : best), "");
  if (longest === "") return groups.join(":");
  return groups.join(":").replace(new RegExp(`:?(?<![0-9a-f])${longest}(?![0-9a-f]):?`), "::");
}
