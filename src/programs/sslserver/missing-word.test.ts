import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { missingWord } from "./missing-word.ts";

const folder = mkdtempSync(join(tmpdir(), "missing-word-"));
after(() => rmSync(folder, { recursive: true }));
function program(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), 0o755);
}
for (const name of [
  "rblsmtpd",
  "authup",
  "checkpassword",
  "checkpassword-pam",
  "checknotroot",
  "fixsmtpio",
  "ofmipd",
])
  program(name, `#!/bin/sh\n# acceptutils launcher\n# ${name}\n`);
program("foreign", "#!/bin/sh\n");

const missing = (line: string) => missingWord(line.split(" "), folder, "/")?.program;

for (const [line, word] of [
  ["authup smtp checkpassword checknotroot fixsmtpio ofmipd", undefined],
  ["authup -t 3 smtp checkpassword-pam checknotroot fixsmtpio -b -l 9 nothing", "nothing"],
  ["authup smtp nothing checknotroot", "nothing"],
  ["rblsmtpd -r zen.example -b fixsmtpio nothing -x", "nothing"],
  ["nothing ofmipd", "nothing"],
  ["foreign nothing", undefined],
  ["rblsmtpd foreign nothing", undefined],
  ["fixsmtpio -9 nothing", undefined],
  ["ofmipd nothing", undefined],
] as const) {
  test(`${line}: ${word ?? "all there"}`, () => assert.equal(missing(line), word));
}
