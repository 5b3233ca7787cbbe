/** What the sessions of a service find in their environment before anything is known of the connection. */
import { withoutConnection } from "../../protocol/ucspi/environment.ts";
import { Environment } from "./environment.ts";
import type { Service } from "./service.ts";

/** One for each service: its sessions share it. */
const bases = new WeakMap<Service, ReadonlyMap<string, string>>();

/** The server's own environment, for one session to change, with `facts` of its connection, which it keeps. */
export function environmentFor(service: Service, facts?: Map<string, string>): Environment {
  let base = bases.get(service);
  if (base === undefined) {
    base = withoutConnection(Object.entries(service.env));
    bases.set(service, base);
  }
  return new Environment(base, facts);
}
