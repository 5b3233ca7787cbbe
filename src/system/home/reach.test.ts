import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openKey } from "./reach.ts";

const home = mkdtempSync(join(tmpdir(), "reach-"));
after(() => rmSync(home, { recursive: true }));

test("a key that everybody can read is told, one that its group can read is not", () => {
  assert.equal(openKey(home), undefined, "there is none");
  mkdirSync(join(home, "control"));
  const path = join(home, "control", "servercert.pem");
  writeFileSync(path, "");
  for (const mode of [0o600, 0o640]) {
    chmodSync(path, mode);
    assert.equal(openKey(home), undefined);
  }
  chmodSync(path, 0o644);
  assert.match(openKey(home) ?? "", /servercert\.pem has a private key .*: chmod 600 \S+$/);
});
