import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FrameReader, frameBytes, kind } from "../../protocol/queue/frames.ts";
import { launcherText } from "../../system/launchers.ts";
import { inputOf, Pipe } from "../../system/pipe.ts";
import { runResident } from "../../system/resident-host.ts";
import type { Ended, Program } from "../../system/system.ts";
import { main as addTlsHeader } from "../qfilter-addtlsheader/main.ts";
import { main as queue } from "../queue/main.ts";
import { main } from "./main.ts";

const home = mkdtempSync(join(tmpdir(), "acceptutils-qfilter."));
after(() => rmSync(home, { recursive: true, force: true }));
for (const folder of ["bin", "queue"]) mkdirSync(join(home, folder));
const programs: Readonly<Record<string, Program>> = {
  "qmail-qfilter": main,
  "qmail-qfilter-addtlsheader": addTlsHeader,
  "qmail-queue": queue,
};
for (const name of Object.keys(programs))
  writeFileSync(join(home, "bin", name), launcherText(name, { node: "none", bundle: "none" }), {
    mode: 0o755,
  });

/** What qmail-send was told to queue: the message and its envelope. */
const queued: string[][] = [];
const qmailSend = createServer((socket: Socket) => {
  socket.unref();
  const reader = new FrameReader();
  let message = "";
  socket.on("data", (chunk: Buffer) => {
    for (const { kind: says, id, payload } of reader.push(chunk)) {
      const text = Buffer.from(payload).toString("latin1");
      if (says === kind.content) message += text;
      else {
        queued.push([message.replace(/; [^\n]* -0000\n/g, "; DATE\n"), text.replace(/^[0-9]+/, "PID")]);
        message = "";
        socket.write(frameBytes(kind.verdict, id, Buffer.of(0)));
      }
    }
  });
});
qmailSend.listen(join(home, "queue", "socket"));
await once(qmailSend, "listening");
after(() => qmailSend.close());
qmailSend.unref();

const tls = { SSL_PROTOCOL: "TLSv1.3", SSL_CIPHER: "X" };
const tlsLine = "Received: (ucspitls TLSv1.3 X); DATE\n";

async function filtered(
  words: readonly string[],
  message: readonly string[],
  envelope: string,
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  const all = { PATH: `${home}/bin:/usr/bin:/bin`, ACCEPTUTILS_HOME: home, ...env };
  const [zero, one] = [message, [envelope]].map((parts) =>
    inputOf(...parts.map((part) => Buffer.from(part, "latin1"))),
  );
  return runResident(["qmail-qfilter", ...words], {
    programs: async (name) => programs[name],
    env: new Map(Object.entries(all)),
    cwd: home,
    input: zero!,
    output: Object.assign(new Pipe(), { read: () => one!.read() }),
    log: (line) => assert.fail(line),
  });
}

const words = {
  "with no filter": [],
  "with ours": ["qmail-qfilter-addtlsheader"],
  "with ours, twice": ["qmail-qfilter-addtlsheader", "--", "qmail-qfilter-addtlsheader"],
  "with ours and another's": ["qmail-qfilter-addtlsheader", "--", "cat"],
};

for (const [how, filters] of Object.entries(words)) {
  const lines = filters.filter((word) => word.endsWith("addtlsheader")).map(() => tlsLine);
  test(`a message goes into the queue ${how}`, async () => {
    const large = "x".repeat(100_000);
    const ended = await filtered(filters, ["Subject: x\n\n", large], "Fa@b\0Tc@d\0\0", tls);
    assert.deepEqual(ended, { code: 0 });
    assert.deepEqual(queued.splice(0), [
      [`${lines.join("")}Subject: x\n\n${large}`, "PID\0-\0Fa@b\0Tc@d\0\0"],
    ]);
  });

  for (const [envelope, code] of [
    ["", 91], // whoever sends it has given up
    ["Fa@b\0Tc@d\0", 91],
    ["Ta@b\0\0", 91],
    [`F${"a".repeat(1003)}\0Tc@d\0\0`, 11],
  ] as const) {
    test(`${JSON.stringify(envelope.slice(0, 10))} is no envelope ${how}`, async () => {
      assert.deepEqual(await filtered(filters, ["Subject: x\n"], envelope, tls), { code });
      assert.deepEqual(queued, []);
    });
  }
}

test("a message in clear stays as it is", async () => {
  assert.deepEqual(
    await filtered(["qmail-qfilter-addtlsheader"], ["Subject: x\n"], "F\0Tc@d\0\0", { AUTHUP_USER: "a" }),
    { code: 0 },
  );
  assert.deepEqual(queued.splice(0), [["Subject: x\n", "PID\0a\0F\0Tc@d\0\0"]]);
});

test("a filter that is nowhere: nothing is queued", async () => {
  assert.deepEqual(await filtered(["none"], ["Subject: x\n"], "F\0Tc@d\0\0", {}), { code: 81 });
  assert.deepEqual(queued, []);
});

test("another queue program gets what the filters made", async () => {
  const env = { ...tls, QQF_QMAILQUEUE: "/bin/false" };
  assert.deepEqual(await filtered(["qmail-qfilter-addtlsheader"], ["Subject: x\n"], "F\0Tc@d\0\0", env), {
    code: 1,
  });
  assert.deepEqual(queued, []);
});
