/** The floor: what a server costs that does nothing but answer. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { selfSigned } from "../../src/system/home/certificate.ts";
import { type Contender, startServer, stopServer } from "./contender.ts";

export const bare: Contender = {
  name: "bare Node.js",
  promise: "keeps nothing",
  missing: () => undefined,
  start: async (folder) => {
    const pem = join(folder, "bare.pem");
    writeFileSync(pem, selfSigned({ names: ["bench.example"], now: new Date() }), { mode: 0o600 });
    const child = startServer(
      [
        process.execPath,
        "--disable-warning=ExperimentalWarning",
        join(import.meta.dirname, "bare-server.ts"),
        pem,
      ],
      join(folder, "log"),
    );
    const line = await createInterface({ input: child.stdout! })[Symbol.asyncIterator]().next();
    if (line.done) throw new Error("the bare server did not come up");
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
  },
};
