/** Questions to the DNS servers of resolv.conf. */
import type { Resolver } from "node:dns/promises";
import { codeOf } from "./system.ts";

export type RecordType = "A" | "AAAA" | "TXT" | "PTR";

/** The name may or may not have such records: nobody could say. */
export class DnsTrouble extends Error {
  override readonly name = "DnsTrouble";
}

const trustMs = 60_000;
const timeoutSeconds = 3;
const tries = 2;

const resolvers = new Map<string, { readonly at: number; readonly resolver: Resolver }>();

/** One resolver serves all sessions; resolv.conf is read again now and then. */
function resolverFor(server: string | undefined): Resolver {
  const known = resolvers.get(server ?? "");
  if (known !== undefined && performance.now() - known.at < trustMs) return known.resolver;
  const resolver = new (process.getBuiltinModule("node:dns/promises").Resolver)({
    timeout: timeoutSeconds * 1000,
    tries,
  });
  if (server !== undefined) resolver.setServers([server]);
  resolvers.set(server ?? "", { at: performance.now(), resolver });
  return resolver;
}

/** There is no such name, or no such record of it. */
const none = new Set(["ENOTFOUND", "ENODATA"]);

/**
 * The records of `name`: addresses, names, or the strings of all TXT records, one after the other; none when there are
 * none.
 * `server` is asked instead of those in resolv.conf. Throws DnsTrouble.
 */
export async function resolveRecords(
  name: string,
  type: RecordType,
  server: string | undefined,
): Promise<readonly string[]> {
  try {
    const resolver = resolverFor(server);
    if (type === "TXT") return (await resolver.resolveTxt(name)).flat();
    if (type === "PTR") return await resolver.resolvePtr(name);
    return type === "A" ? await resolver.resolve4(name) : await resolver.resolve6(name);
  } catch (error) {
    if (none.has(codeOf(error))) return [];
    throw new DnsTrouble(`unable to look up ${name}: ${codeOf(error)}`, { cause: error });
  }
}
