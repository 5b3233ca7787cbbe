import { lowerCase } from "./control.ts";

/** Where mail for a domain goes instead of to its MX. Port 465: TLS from the first byte. */
export interface Route {
  readonly relay: string;
  readonly port: number;
}

const smtpPort = 25;

/**
 * The route for `domain` among the lines of control/smtproutes, `domain:relay:port`: of the domain itself, else of
 * the longest `.suffix`, else of the empty domain. undefined: by MX; so is a line with an empty relay.
 * Source: qmail-remote(8).
 */
export function routeFor(lines: readonly string[], domain: string): Route | undefined {
  const routes = new Map(lines.map(parse));
  const name = lowerCase(domain);
  for (let at = 0; at >= 0; at = name.indexOf(".", at + 1)) {
    const route = routes.get(name.slice(at));
    if (route !== undefined) return route.relay === "" ? undefined : route;
  }
  const everything = routes.get("");
  return everything === undefined || everything.relay === "" ? undefined : everything;
}

/** A user and a password may follow after `|`: of the patched qmail-remote, and not ours to use. */
function parse(line: string): [string, Route] {
  const [route = ""] = line.split("|", 1);
  const [domain = "", relay = "", port = ""] = route.split(":");
  return [lowerCase(domain), { relay, port: /^[0-9]{1,5}$/.test(port) ? Number(port) : smtpPort }];
}
