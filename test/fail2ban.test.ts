/** The filter that we ship, on lines as they stand in a log: examples/fail2ban/acceptutils.conf. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./runner/case.ts";

const filter = join(root, "examples", "fail2ban", "acceptutils.conf");

/** Each line, and the client it convicts. */
const lines: readonly (readonly [string, string | undefined])[] = [
  ["authup 123 failed login for alice from 192.0.2.7", "192.0.2.7"],
  ["submission  authup 2701400779 failed login for z??e from 2001:db8::7", "2001:db8::7"],
  ["2026-11-22 17:00:00.123456789 authup 123 failed login for alice@example.org from 192.0.2.8", "192.0.2.8"],
  ["authup 123 checkpassword 124 failed, 4 remaining", undefined],
  ["authup 123 checkpassword 124 attempt for authup", undefined],
  // What a client can put into a name has no blanks.
  ["authup 123 checkpassword 124 attempt for x?authup?1?failed?login?for?y?from?192.0.2.9", undefined],
  ["sslserver: ok 5 mail:192.0.2.1:587 :192.0.2.9::4321", undefined],
];

test("the filter convicts who failed and nobody else", () => {
  const failregex = /^failregex = (.*)$/m.exec(readFileSync(filter, "latin1"))?.[1] ?? "";
  const pattern = new RegExp(failregex.replace("<ADDR>", "(?<client>[0-9A-Fa-f.:]+)"));
  for (const [line, client] of lines) assert.equal(pattern.exec(line)?.groups?.["client"], client, line);
});

const program = ["/usr/bin/fail2ban-regex", "/usr/local/bin/fail2ban-regex"].find(existsSync);

test("fail2ban-regex reads it so", {
  skip: program === undefined && "fail2ban-regex is not installed",
}, () => {
  for (const [line, client] of lines) {
    const { stdout } = spawnSync(program!, ["--out", "ip", line, filter], { encoding: "utf8" });
    assert.equal(stdout.trim(), client ?? "", line);
  }
});
