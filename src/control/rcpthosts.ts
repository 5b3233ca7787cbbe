/** control/rcpthosts and control/morercpthosts.cdb: the domains whose mail is taken. qmail-smtpd(8). */
import { Cdb } from "../protocol/cdb/cdb.ts";
import { domainOf } from "../protocol/smtp/address.ts";
import { lowerCase, type Reader, readList, setOf } from "./control.ts";

/**
 * Whether mail for an address is taken: its domain is listed, or ends in a listed `.suffix`, letters of either case
 * alike. True for an address without domain, and for all when there is no control/rcpthosts. Throws CannotOpen;
 * what is returned throws BrokenCdb.
 */
export async function readRcptHosts(reader: Reader): Promise<(address: string) => boolean> {
  const lines = await readList(reader, "rcpthosts");
  if (lines === undefined) return () => true;
  let few = sets.get(lines);
  if (few === undefined) {
    few = setOf(lines);
    sets.set(lines, few);
  }
  const bytes = await reader.readFile("control/morercpthosts.cdb");
  const hosts = few;
  return (address) => {
    const domain = domainOf(address);
    if (domain === undefined) return true;
    const names = [...namesOf(lowerCase(domain))];
    if (names.some((name) => hosts.has(name))) return true;
    if (bytes === undefined) return false;
    const many = new Cdb(bytes);
    return names.some((name) => many.get(name) !== undefined);
  };
}

const sets = new WeakMap<readonly string[], { has(entry: string): boolean }>();

/** `a.b.c`, `.b.c`, `.c`: what may be listed for a.b.c. */
function* namesOf(domain: string): Generator<string> {
  if (domain === "") return;
  yield domain;
  for (let at = domain.indexOf(".", 1); at >= 0; at = domain.indexOf(".", at + 1)) yield domain.slice(at);
}
