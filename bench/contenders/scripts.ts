/** Servers in TypeScript that are one script: the floor, and smtp-server. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { selfSigned } from "../../src/system/home/certificate.ts";
import { type Contender, type Running, startServer, stopServer } from "./contender.ts";

/** The floor: what a server costs that does nothing but answer. */
export const bare: Contender = {
  name: "bare Node.js",
  promise: "keeps nothing, parses nothing",
  missing: () => undefined,
  start: (folder) => startScript("bare-server.ts", folder),
};

/** The library that a mail server in Node.js is usually made with. */
export const smtpServer: Contender = {
  name: "smtp-server",
  promise: "on disk, a file and a flush for each; no filters, no rules, no walls",
  missing: () =>
    existsSync(join(import.meta.dirname, "..", "peers", "node_modules", "smtp-server"))
      ? undefined
      : "not installed: bench/setup",
  start: (folder) => startScript("smtp-server-process.ts", folder),
};

async function startScript(script: string, folder: string): Promise<Running> {
  const pem = join(folder, "server.pem");
  const messages = join(folder, "messages");
  mkdirSync(messages);
  writeFileSync(pem, selfSigned({ names: ["bench.example"], now: new Date() }), { mode: 0o600 });
  const file = join(import.meta.dirname, script);
  const words = [process.execPath, "--disable-warning=ExperimentalWarning", file, pem, messages];
  const child = startServer(words, join(folder, "log"));
  const line = await createInterface({ input: child.stdout! })[Symbol.asyncIterator]().next();
  if (line.done) throw new Error(`${script} did not come up`);
  const port = Number(line.value);
  return {
    doors: new Map([
      ["smtp", port],
      ["bare smtp", port],
      ["submission", port],
    ]),
    roots: [child.pid!],
    recipient: "bob@bench.example",
    user: "alice",
    password: "secret",
    mailbox: 0,
    stop: () => stopServer(child),
  };
}
