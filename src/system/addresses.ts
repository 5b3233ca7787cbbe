/** The addresses of this machine. */
import { networkInterfaces } from "node:os";

const trustMs = 60_000;
let known: { readonly at: number; readonly addresses: ReadonlySet<string> } | undefined;

/** All addresses that lead to this machine, as text; looked up once a minute at most. */
export function ownAddresses(): ReadonlySet<string> {
  const now = performance.now();
  if (known === undefined || now - known.at > trustMs) {
    const found = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
    known = { at: now, addresses: new Set(["0.0.0.0", "127.0.0.1", ...found.map(({ address }) => address)]) };
  }
  return known.addresses;
}
