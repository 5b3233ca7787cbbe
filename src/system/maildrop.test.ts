import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readMessage, scanMaildir } from "./maildrop.ts";

const maildir = mkdtempSync(join(tmpdir(), "maildrop-"));
after(() => rmSync(maildir, { recursive: true }));
for (const folder of ["tmp", "new", "cur"]) mkdirSync(join(maildir, folder));

const inNew = (name: string) => join(maildir, "new", name);
const later = () => Date.now() + 1000;

test("only files are messages, and what is none keeps nobody from those", async () => {
  writeFileSync(inNew("1"), "Subject: x\n\n");
  symlinkSync("loop", inNew("loop"));
  symlinkSync("1/inside", inNew("below"));
  symlinkSync("/dev/zero", inNew("zero"));
  mkdirSync(inNew("folder"));
  execFileSync("mkfifo", [inNew("fifo")]);
  const names = (await scanMaildir(maildir, later())).map(({ name }) => name);
  assert.deepEqual(names, ["1"]);
});

for (const sizeOctets of [12, 100_000]) {
  const message = { folder: "new", name: "swapped", sizeOctets, modified: 0 } as const;

  test(`a message of ${sizeOctets} octets that has become a FIFO is not waited for`, () => {
    execFileSync("mkfifo", [inNew(message.name)]);
    assert.equal(readMessage(maildir, message), undefined);
    rmSync(inNew(message.name));
  });

  test(`a message of ${sizeOctets} octets that has become a device without end is not read`, () => {
    symlinkSync("/dev/zero", inNew(message.name));
    assert.equal(readMessage(maildir, message), undefined);
    rmSync(inNew(message.name));
  });
}
