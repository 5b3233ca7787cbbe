/** Ports for a service under test. */
import { once } from "node:events";
import { createServer } from "node:net";
import { listening } from "../src/system/home/run-scripts.ts";

/** A --port-base whose ports are all free at this moment. Each test process looks elsewhere first. */
export async function freePortBase(): Promise<number> {
  for (let base = 20_000 + 1000 * (process.pid % 40); ; base = 20_000 + ((base - 19_000) % 40_000)) {
    const servers = [...listening.values()].map(({ portOffset }) =>
      createServer().listen(base + portOffset, "127.0.0.1"),
    );
    const free = await Promise.all(servers.map((server) => once(server, "listening"))).then(
      () => true,
      () => false,
    );
    for (const server of servers) server.close();
    if (free) return base;
  }
}
