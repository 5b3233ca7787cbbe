/** A process that was asked and does not answer: its clients are told, and do not wait for it. */
import assert from "node:assert/strict";
import { closeSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { exit } from "../../control/verify-fields.ts";
import { formatFields } from "../../protocol/checkpassword/fields.ts";
import { Secret } from "../../protocol/checkpassword/secret.ts";
import { launcherMark } from "../lookup.ts";
import { socketPair } from "../native.ts";
import { inputOf } from "../pipe.ts";
import { connection } from "../stream.ts";
import { type System, TlsFailed } from "../system.ts";
import { askAuth } from "./ask-auth.ts";
import { Channel, channelPair } from "./channel.ts";
import { secureBy } from "./secure.ts";
import type { Service } from "./service.ts";
import { UserWorkers } from "./user-workers.ts";

/** The ends of a channel; what comes out of the second is heard and not answered. */
function silent(t: TestContext): { asked: Channel; stuck: Channel } {
  const [ours, theirs] = channelPair();
  const [asked, stuck] = [new Channel(ours), new Channel(theirs)];
  t.after(() => {
    asked.close();
    stuck.close();
  });
  return { asked, stuck };
}

test("a login ends with a temporary refusal when the auth process says nothing", async (t) => {
  const { asked } = silent(t);
  const folder = mkdtempSync(join(tmpdir(), "stuck."));
  t.after(() => rmSync(folder, { recursive: true }));
  const launcher = join(folder, "checkpassword");
  writeFileSync(launcher, `#!/bin/sh\n${launcherMark}\n# checkpassword\n`, { mode: 0o700 }); // ours, so it is known how long it may take
  const service = { id: 1, argv: ["authup", "smtp", launcher, "cat"], env: {} } as unknown as Service;
  const fields = formatFields({ user: "bob", secret: new Secret(Buffer.from("x")), timestamp: "" })!;
  const log: string[] = [];
  const system = {
    env: new Map(),
    cwd: () => "/",
    log: (line: string) => log.push(line),
    input: () => Object.assign(inputOf(fields), { fd: undefined }),
  } as unknown as System;
  const program = askAuth(service, () => asked, new UserWorkers(asked), 0.1);
  assert.equal(await program([], system), exit.temporary);
  assert.deepEqual(log, ["checkpassword: the auth process is away, or does not answer"]);
});

test("a handshake fails when the TLS process lets go of the connection and says no reason", async (t) => {
  const { asked, stuck } = silent(t);
  stuck.onMessage = ({ descriptors }) => {
    for (const fd of descriptors) closeSync(fd);
  };
  const [client, server] = socketPair();
  t.after(() => closeSync(client));
  const { input, output } = connection(new Socket({ fd: server, readable: true, writable: true }));
  const secure = secureBy({ id: 1, handshakeSeconds: 60 } as Service, () => asked);
  await assert.rejects(secure(input, output, undefined), TlsFailed);
});
