import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ServiceFacts } from "./facts.ts";
import { Occupied, occupy } from "./occupancy.ts";
import { takenPort } from "./ports.ts";

const home = mkdtempSync(join(tmpdir(), "occupancy-"));
mkdirSync(join(home, "service"));
after(() => rmSync(home, { recursive: true }));

test("a folder is run once at a time", async () => {
  const first = await occupy(home);
  await assert.rejects(occupy(home), (error) => error instanceof Occupied && error.pid === process.pid);
  first.release();
  (await occupy(home)).release();
});

test("a port that is taken is named, and a free one is left free", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  const listener = (at: number): ServiceFacts => ({
    name: "smtp",
    script: "",
    env: new Map(),
    listener: { host: "127.0.0.1", port: at, tls: "starttls" },
  });
  assert.match(
    (await takenPort([listener(port)])) ?? "",
    new RegExp(`^port ${port} of 127.0.0.1 for smtp: taken`),
  );
  await new Promise((resolve) => other.close(resolve));
  assert.equal(await takenPort([listener(port), listener(port)]), undefined);
  const elsewhere = { ...listener(port), listener: { host: "192.0.2.1", port, tls: "starttls" as const } };
  assert.match((await takenPort([elsewhere])) ?? "", /this machine has no such address/);
});
