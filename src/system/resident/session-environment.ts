/** What the sessions of a service find in their environment before anything is known of the connection. */
import { withoutConnection } from "../../protocol/ucspi/environment.ts";
import { Environment } from "./environment.ts";
import type { Service } from "./service.ts";

/** One for each service: its sessions share it. */
const bases = new WeakMap<Service, ReadonlyMap<string, string>>();

/** The server's own environment, as all sessions have it. */
export function commonEnvironment(service: Service): ReadonlyMap<string, string> {
  let base = bases.get(service);
  if (base === undefined) {
    base = withoutConnection(Object.entries(service.env));
    bases.set(service, base);
  }
  return base;
}

/** The same for one session to change, with `facts` of its connection, which it keeps. */
export const environmentFor = (service: Service, facts?: Map<string, string>) =>
  new Environment(commonEnvironment(service), facts);
