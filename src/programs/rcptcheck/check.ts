/** What all recipient checks have in common. */
import type { System } from "../../system/system.ts";

export const exit = { accepted: 0, refused: 100, unable: 111 };

/** Addresses come from strangers: bytes that are not printable could make a log line of their own. */
export const printable = (text: string) => text.replace(/[^!-~]/g, "?").slice(0, 900);

/** Logs that the check `name` has something against the recipient. Returns the exit code. */
export function refuse(system: System, name: string, what: string): number {
  const ip = printable(system.env.get("TCPREMOTEIP") ?? "unknown");
  system.log(`rcptcheck: ${name} ${system.parentPid} ${ip} ${what}`);
  return exit.refused;
}
