/** The processes that check passwords for a long-lived worker: bounded in number and in time. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Unable } from "../../src/auth/backend.ts";
import { Helpers, type HelpersLimits } from "../../src/system/c-library/helpers.ts";
import { root } from "../runner/case.ts";
import { cryptHash, noMkpasswd } from "./mkpasswd.ts";

const folder = mkdtempSync(join(tmpdir(), "acceptutils-helpers."));
after(() => rmSync(folder, { recursive: true, force: true }));

function helpersWith(limits: Partial<HelpersLimits> = {}): Helpers {
  const entry = join(root, "build", "app.cjs");
  const made = new Helpers({ atOnce: 2, waiting: 10, seconds: 20, idleSeconds: 20, entry, ...limits });
  after(() => made.close());
  return made;
}

const password = Buffer.from("p: %s");

test("helpers answer many questions at once, each its own", { skip: noMkpasswd }, async () => {
  const helpers = helpersWith();
  const hash = cryptHash(password);
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, at) =>
      helpers.perform({ do: "crypt", hash }, at % 3 === 0 ? password : Buffer.from(`guess ${at}`)),
    ),
  );
  assert.deepEqual(
    answers.map(({ right }) => right),
    answers.map((_, at) => at % 3 === 0),
  );
});

test("more questions than may wait are refused for the moment", { skip: noMkpasswd }, async () => {
  const helpers = helpersWith({ atOnce: 1, waiting: 1 });
  const deed = { do: "crypt", hash: cryptHash(password) } as const;
  const answers = await Promise.allSettled([1, 2, 3].map(() => helpers.perform(deed, password)));
  assert.deepEqual(
    answers.map(({ status }) => status),
    ["fulfilled", "fulfilled", "rejected"],
  );
});

const noPam = existsSync("/etc/pam.d/common-auth") ? false : "PAM is not installed";

test("one that takes too long is killed, and the next question has an answer", {
  skip: noPam || noMkpasswd,
}, async () => {
  const helpers = helpersWith({ atOnce: 1, seconds: 2 });
  const fifo = join(folder, "fifo");
  spawnSync("mkfifo", [fifo]);
  writeFileSync(join(folder, "slow"), `auth required pam_exec.so quiet /bin/cat ${fifo}\n`);
  const pam = { do: "pam", service: "slow", folder, user: "root", client: "", keepDelay: false } as const;
  const [slow, quick] = await Promise.allSettled([
    helpers.perform(pam, password),
    helpers.perform({ do: "crypt", hash: cryptHash(password) }, password),
  ]);
  closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK)); // what PAM has started ends, too
  assert.ok(slow.status === "rejected" && slow.reason instanceof Unable);
  assert.match(slow.reason.message, /took longer than 2 seconds/);
  assert.deepEqual(quick, { status: "fulfilled", value: { right: true } });
});
