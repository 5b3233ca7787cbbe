/**
 * smtp-server, with what a postmaster would have to add: each message is a file in the folder of the second argument,
 * flushed before its 250. Certificate and key are in the PEM file of the first.
 */
import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Readable } from "node:stream";

interface Options {
  readonly [name: string]: unknown;
}
interface Server {
  listen(port: number, host: string, listening: () => void): { address(): { port: number } };
  server: { address(): { port: number } };
}
const require = createRequire(join(import.meta.dirname, "package.json"));
const { SMTPServer } = require("smtp-server") as { SMTPServer: new (options: Options) => Server };

const [pemFile = "", folder = ""] = process.argv.slice(2);
const pem = readFileSync(pemFile);
let last = 0;

async function store(stream: Readable): Promise<void> {
  last += 1;
  const file = await open(join(folder, `${process.pid}.${last}`), "wx", 0o600);
  for await (const chunk of stream) await file.write(chunk as Uint8Array);
  await file.sync();
  await file.close();
}

const server = new SMTPServer({
  name: "bench.example",
  key: pem,
  cert: pem,
  authOptional: true,
  authMethods: ["PLAIN"],
  disableReverseLookup: true,
  ecdhCurve: "X25519",
  onAuth: (_auth: unknown, _session: unknown, done: (error: null, answer: { user: string }) => void) =>
    done(null, { user: "alice" }),
  onData: (stream: Readable, _session: unknown, done: (error?: Error) => void) => {
    store(stream).then(() => done(), done);
  },
});
server.listen(0, "127.0.0.1", () => console.log(server.server.address().port));
