import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { flushTogether, MaildirDelivery, makeMaildir } from "./maildir.ts";

const message = Buffer.from("Subject: x\n\nbody\n");
const name = "1.M2R3.mx";

function inMaildir(work: (maildir: string) => void): void {
  const maildir = join(mkdtempSync(join(tmpdir(), "maildir.")), "Maildir");
  try {
    makeMaildir(maildir);
    work(maildir);
  } finally {
    rmSync(join(maildir, ".."), { recursive: true });
  }
}

/** The steps of a delivery, after each of which the machine may stop. */
const steps: readonly ((delivery: MaildirDelivery) => void)[] = [
  () => {},
  (delivery) => delivery.write(message.subarray(0, 5)),
  (delivery) => delivery.write(message.subarray(5)),
  (delivery) => delivery.flush(),
  (delivery) => delivery.publish(),
];

/** A try that stops after so many steps. */
function tryUpTo(maildir: string, count: number): void {
  const delivery = new MaildirDelivery(maildir, name);
  for (const step of steps.slice(0, count)) step(delivery);
}

/** What qmail-local does when the queue asks again. */
function retry(maildir: string): void {
  const delivery = new MaildirDelivery(maildir, name);
  if (!delivery.isDelivered()) for (const step of steps) step(delivery);
  delivery.forget();
}

/** What an owner does with a message that has come. */
const owners: Readonly<Record<string, (maildir: string) => void>> = {
  "leaves it": () => {},
  "reads it": (maildir) => renameSync(join(maildir, "new", name), join(maildir, "cur", `${name}:2,S`)),
  "removes it": (maildir) => unlinkSync(join(maildir, "new", name)),
};

for (let count = 0; count <= steps.length; count++) {
  for (const [does, own] of Object.entries(owners)) {
    test(`a delivery that stopped after ${count} steps, and whose owner ${does}, comes once`, () => {
      inMaildir((maildir) => {
        tryUpTo(maildir, count);
        let came = readdirSync(join(maildir, "new")).length;
        if (came > 0) own(maildir);
        const before = readdirSync(join(maildir, "new")).length;
        retry(maildir);
        came += readdirSync(join(maildir, "new")).length - before;
        assert.equal(came, 1);
        assert.deepEqual(readdirSync(join(maildir, "tmp")), []);
        const path = join(maildir, "new", name);
        if (existsSync(path)) assert.deepEqual(readFileSync(path), message);
      });
    });
  }
}

test("between the link and the rename nothing was delivered", () => {
  inMaildir((maildir) => {
    tryUpTo(maildir, steps.length);
    renameSync(join(maildir, "new", name), join(maildir, "tmp", name)); // as it was a moment before
    assert.equal(new MaildirDelivery(maildir, name).isDelivered(), false);
    retry(maildir);
    assert.deepEqual(readdirSync(join(maildir, "new")), [name]);
    assert.deepEqual(readdirSync(join(maildir, "tmp")), []);
  });
});

test("what is in new is what was written, in however many pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 40 }), (pieces) => {
      inMaildir((maildir) => {
        const delivery = new MaildirDelivery(maildir, name);
        for (const piece of pieces) delivery.write(piece);
        delivery.flush();
        delivery.publish();
        assert.deepEqual(readFileSync(join(maildir, "new", name)), Buffer.concat(pieces));
      });
    }),
    { numRuns: 30 },
  );
});

test("messages that are flushed together are all there", () => {
  inMaildir((maildir) => {
    const deliveries = Array.from({ length: 9 }, (_, at) => new MaildirDelivery(maildir, `1.M${at}`));
    for (const delivery of deliveries) delivery.write(message);
    flushTogether(deliveries);
    for (const delivery of deliveries) delivery.publish();
    const folder = join(maildir, "new");
    assert.equal(readdirSync(folder).length, 9);
    for (const file of readdirSync(folder)) assert.deepEqual(readFileSync(join(folder, file)), message);
  });
});
