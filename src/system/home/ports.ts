/** Whether the ports of a home folder can be had, asked before anything is started. */
import { once } from "node:events";
import { createServer } from "node:net";
import { codeOf, systemWords } from "../system.ts";
import { type Listener, listening } from "./run-scripts.ts";

/** An address that clients on this machine can connect to. */
export function reachable(host: string): string {
  return ["", "0", ":0", "0.0.0.0", "::"].includes(host) ? "127.0.0.1" : host;
}

/** The first reason not to start `services`, in one line that says what to do; undefined when all ports are free. */
export async function takenPort(
  services: readonly { readonly name: string; readonly listener: Listener | undefined }[],
): Promise<string | undefined> {
  for (const { name, listener } of services) {
    if (listener === undefined || listener.port === 0) continue;
    const { host, port } = listener;
    const why = await whyNot(["", "0"].includes(host) ? "0.0.0.0" : host === ":0" ? "::" : host, port);
    if (why !== undefined) return `port ${port} of ${host} for ${name}: ${why}`;
  }
  return undefined;
}

/** The same for a home that is still to be made. */
export function takenOf(host: string, portBase: number): Promise<string | undefined> {
  const planned = [...listening].map(([name, { portOffset }]) => ({ name, port: portBase + portOffset }));
  return takenPort(planned.map(({ name, port }) => ({ name, listener: { host, port } })));
}

async function whyNot(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  server.listen({ host, port, exclusive: true });
  try {
    await once(server, "listening");
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === "EADDRINUSE")
      return "taken by another program; stop that one, or use other ports (--port-base N)";
    if (code === "EACCES") return "ports below 1024 need root; use others (--port-base N)";
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EINVAL")
      return "this machine has no such address; name one of its own (--bind ADDR)";
    return systemWords(code);
  } finally {
    server.close();
  }
}
