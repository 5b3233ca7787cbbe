import { resolve4, resolve6, resolveMx } from "node:dns/promises";
import { codeOf } from "./system.ts";

/** Nobody takes mail for this domain, and asking again would not help. RFC 5321 §5.1, RFC 7505 */
export class NoSuchHost extends Error {
  override readonly name = "NoSuchHost";
}

/** DNS did not answer. */
export class DnsTrouble extends Error {
  override readonly name = "DnsTrouble";
}

const absent = new Set(["ENOTFOUND", "ENODATA", "NOTFOUND", "NODATA"]);

/** The hosts that take mail for `domain`, the preferred one first; itself when it has an address and no MX. */
export async function mailExchangers(domain: string): Promise<string[]> {
  const records = await orNone(resolveMx(domain));
  if (records.length === 0) {
    const addresses = [...(await orNone(resolve4(domain))), ...(await orNone(resolve6(domain)))];
    if (addresses.length === 0) throw new NoSuchHost(domain);
    return [domain];
  }
  const hosts = records.sort((a, b) => a.priority - b.priority).map(({ exchange }) => exchange);
  const usable = hosts.filter((host) => host !== "" && host !== ".");
  if (usable.length === 0) throw new NoSuchHost(domain); // a null MX
  return usable;
}

async function orNone<Entry>(answer: Promise<Entry[]>): Promise<Entry[]> {
  try {
    return await answer;
  } catch (cause) {
    if (absent.has(codeOf(cause))) return [];
    throw new DnsTrouble(codeOf(cause), { cause });
  }
}
