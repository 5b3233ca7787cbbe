/** Servers in TypeScript that are one script: it gets a PEM file and a folder for messages, and prints its port. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { selfSigned } from "../../src/system/home/certificate.ts";
import { domain, type Place, type Running, receiving } from "../contender/contender.ts";
import { answered, startServer } from "../contender/serve.ts";

export async function startScript(script: string, place: Place): Promise<Running> {
  const pem = join(place.folder, "server.pem");
  const messages = join(place.folder, "messages");
  mkdirSync(messages);
  writeFileSync(pem, selfSigned({ names: [domain], now: new Date() }), { mode: 0o600 });
  const file = join(import.meta.dirname, script);
  const words = [process.execPath, "--disable-warning=ExperimentalWarning", file, pem, messages];
  const child = startServer(place, words);
  const line = await createInterface({ input: child.stdout! })[Symbol.asyncIterator]().next();
  if (line.done) throw new Error(`${script} did not come up`);
  const port = Number(line.value);
  answered(place);
  return receiving(port, port);
}
