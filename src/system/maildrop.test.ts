import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
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

test("a Maildir is looked at again when a message came, went or is another, and when one may have", async () => {
  const other = join(maildir, "other");
  const inOther = join(other, "new");
  for (const folder of ["", "tmp", "new", "cur"]) mkdirSync(join(other, folder));
  const write = (name: string, text: string) => writeFileSync(join(inOther, name), text);
  // What changes from here on has another time.
  const age = (seconds: number) => utimesSync(inOther, seconds, seconds);
  // As seen from a while after the last change.
  const scan = () => scanMaildir(other, Date.now() + 10_000);
  const names = async () => (await scan()).map(({ name }) => name);
  write("1", "Subject: x\n\n");
  age(1000);
  const first = await scan();
  assert.equal(await scan(), first);
  write("2", "Subject: y\n\n");
  assert.deepEqual(await names(), ["1", "2"]);
  age(2000);
  const [, second] = await scan();
  write("2", "Subject: longer\n\n");
  readMessage(other, second!);
  assert.equal((await scan())[1]?.sizeOctets, 17);
  rmSync(join(inOther, "1"));
  assert.deepEqual(await names(), ["2"]);
  const soon = await scanMaildir(other, Date.now() + 1000);
  assert.notEqual(await scanMaildir(other, Date.now() + 1000), soon);
});
