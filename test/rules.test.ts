/** `acceptutils rules` as it is typed, with servers that are processes, good ones and bad ones. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { run } from "./clients/command.ts";
import { root } from "./runner/case.ts";

const folder = mkdtempSync(join(tmpdir(), "rules-"));
after(() => rmSync(folder, { recursive: true }));
const examples = join(root, "examples", "fixsmtpio");
const env = {
  PATH: `${folder}:${join(root, "build", "bin")}:${process.env["PATH"]}`,
  ACCEPTUTILS_HOME: folder,
};
mkdirSync(join(folder, "control"));
writeFileSync(join(folder, "control", "me"), "mail.example\n");

const rules = (...words: string[]) => run(["acceptutils", "rules", ...words], { env, cwd: folder });

function server(name: string, script: string): string {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return name;
}

for (const [name, script, told] of [
  ["dies", "exit 3", "dies ended before it had answered"],
  ["dies-later", "echo 220 hi; read line", "dies-later ended before it had answered"],
  [
    "says-nonsense",
    "echo '<html>'; cat",
    'says-nonsense said "<html>\\n": that is no reply of an SMTP server',
  ],
  [
    "goes-on",
    "trap '' TERM; exec cat /dev/zero 2>/dev/null",
    "goes-on goes on without an end: is that an SMTP server?",
  ],
] as const) {
  test(`a server that ${name.replaceAll("-", " ")}`, async () => {
    const { all, code } = await rules("check", join(examples, "fixsmtpio"), "--child", server(name, script));
    assert.equal(all, `acceptutils: ${told}\n`);
    assert.equal(code, 1);
  });
}

test("a server of the home folder is found by its name, as a run script finds it", async () => {
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, ".acceptutils"), ""); // what tells a home folder from others
  server(
    "bin/of-the-home",
    "echo 220 home; while read line; do printf '250 %s\\r\\n' $ACCEPTUTILS_HOME; done",
  );
  const words = [
    "explain",
    "--rules",
    join(examples, "fixsmtpio"),
    "--event",
    "noop",
    "--child",
    "of-the-home",
  ];
  assert.equal((await rules(...words)).all, `event noop\nS: 250 ${folder}\nc: 250 ${folder}\n`);
});

test("what is missing is told with the usage, in UTF-8", async () => {
  const { all, code } = await rules("record");
  assert.match(
    Buffer.from(all, "latin1").toString(),
    /^acceptutils: DIR is missing\n.* record DIR PROG \[ARG…\]\n$/,
  );
  assert.equal(code, 2);
  const other = await rules("test", "nowhere", "--rules", join(examples, "fixsmtpio"));
  assert.equal(other.all, "acceptutils: nowhere: there is no such folder or session file\n");
});

test("whoever reads may stop reading", async () => {
  const words = `acceptutils rules explain ${join(examples, "submission.session")} --rules ${join(examples, "fixsmtpio")}`;
  const { all } = await run(["sh", "-c", `${words} | head -1`], { env, cwd: folder });
  assert.equal(all, "event greeting\n");
});

test("no such server, no such file", async () => {
  const { all, code } = await rules("explain", "--event", "ehlo", "--child", "no-such-server");
  assert.match(all, /^acceptutils: there is no \S+\/control\/fixsmtpio: name the rules file\n$/);
  assert.equal(code, 1);
  const other = await rules("check", join(examples, "fixsmtpio"), "--child", "no-such-server");
  assert.equal(other.all, "acceptutils: unable to run no-such-server: file does not exist\n");
  assert.equal(other.code, 1);
});

test("the published rules fit our own servers", async () => {
  for (const child of ["ofmipd", "qmail-smtpd"]) {
    const { out, code } = await rules("check", join(examples, "fixsmtpio"), "--child", child);
    assert.match(out, /AUTH/);
    assert.equal(code, 0);
  }
});
