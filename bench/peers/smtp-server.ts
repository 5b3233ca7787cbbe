import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Contender } from "../contender/contender.ts";
import { startScript } from "./node-process.ts";

/** The library that a mail server in Node.js is usually made with. */
export const smtpServer: Contender = {
  name: "smtp-server",
  kind: "peer",
  compiles: true,
  quick: true,
  promise: "on disk, a file and a flush for each; no filters, no rules, no walls",
  missing: () =>
    existsSync(join(import.meta.dirname, "node_modules", "smtp-server"))
      ? undefined
      : "not installed: bench/setup",
  start: (place) => startScript("smtp-server-process.ts", place),
};
