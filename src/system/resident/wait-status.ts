import { constants } from "node:os";
import type { Ended } from "../system.ts";

/** How wait(2) would report it: an exit code times 256, or a signal's number. tcpserver logs this. */
export function waitStatus(ended: Ended): number {
  if ("code" in ended) return ended.code * 256;
  return (constants.signals as Record<string, number>)[ended.signal] ?? 6;
}
