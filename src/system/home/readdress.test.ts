import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { OwnScript, readdress } from "./readdress.ts";
import { homeCertificate, listenerIn, listening } from "./run-scripts.ts";

const home = mkdtempSync(join(tmpdir(), "readdress-"));
after(() => rmSync(home, { recursive: true }));
for (const [name, { script, portOffset }] of listening) {
  mkdirSync(join(home, "service", name), { recursive: true });
  const text = script({ host: "127.0.0.1", port: 2000 + portOffset, certificate: homeCertificate });
  writeFileSync(join(home, "service", name, "run"), text);
}
const listeners = () =>
  [...listening.keys()].map((name) => {
    const at = listenerIn(readFileSync(join(home, "service", name, "run"), "latin1"));
    return `${at?.host} ${at?.port}`;
  });

test("other ports, another address, or both", () => {
  readdress(home, { portBase: 3000 });
  assert.deepEqual(
    listeners(),
    [3525, 3587, 3465, 3110, 3995].map((port) => `127.0.0.1 ${port}`),
  );
  readdress(home, { bind: "0" });
  assert.deepEqual(
    listeners(),
    [3525, 3587, 3465, 3110, 3995].map((port) => `0 ${port}`),
  );
  readdress(home, {});
  readdress(home, { bind: "127.0.0.1", portBase: 2000 });
  assert.deepEqual(
    listeners(),
    [2525, 2587, 2465, 2110, 2995].map((port) => `127.0.0.1 ${port}`),
  );
});

test("a script that its owner changed is not touched, and nor are the others", () => {
  appendFileSync(join(home, "service", "pop3", "run"), "# mine\n");
  readdress(home, { portBase: 2000 });
  assert.throws(() => readdress(home, { portBase: 4000 }), OwnScript);
  assert.equal(listeners()[0], "127.0.0.1 2525");
});
