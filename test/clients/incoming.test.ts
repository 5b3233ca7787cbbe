/** Mail from the world: local users get it, once; nobody is relayed for. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { missing, run } from "./command.ts";
import { type Service, startService } from "./service.ts";
import { Client } from "./smtp-client.ts";

let service: Service;

before(async () => {
  service = await startService();
});
after(() => service?.stop());

const swaks = (to: string, ...words: string[]) =>
  run([
    "swaks",
    "--server",
    `127.0.0.1:${service.port("smtp")}`,
    "--from",
    "carol@example.net",
    "--to",
    to,
    "--ehlo",
    "mx.example.net",
    ...words,
  ]);

for (const [how, words] of [
  ["in clear", []],
  ["after STARTTLS", ["--tls"]],
] as const) {
  test(`swaks: mail for bob ${how} is delivered once`, { skip: missing("swaks") }, async () => {
    const before = service.mailOf("bob").length;
    const { code, all } = await swaks(`bob@${service.host}`, ...words, "--header", `Subject: ${how}`);
    assert.equal(code, 0, all);
    const mail = await service.waitForMail("bob", before + 1);
    assert.equal(mail.length, before + 1);
    const message = mail.find((text) => text.includes(`Subject: ${how}\n`)) ?? "";
    assert.match(message, /^Return-Path: <carol@example\.net>\nDelivered-To: /);
    assert.match(message, /^Received: from /m);
    const tls = /^Received: \(ucspitls acceptutils fixsmtpio TLSv1\.[23] /m;
    if (how === "in clear") assert.doesNotMatch(message, tls);
    else assert.match(message, tls);
  });
}

test("swaks: relaying is refused, in clear and in TLS", { skip: missing("swaks") }, async () => {
  for (const words of [[], ["--tls"]]) {
    const { code, all } = await swaks("dave@elsewhere.example", ...words);
    assert.equal(code, 24, all); // its exit code for refused recipients
    assert.match(all, /^<(\*\*|~\*) +553 /m);
  }
});

test("swaks: unknown users are refused", { skip: missing("swaks") }, async () => {
  const { code, all } = await swaks(`nobody-here@${service.host}`);
  assert.equal(code, 24, all);
  assert.match(all, /^<\*\* +550 /m);
});

test("commands pipelined behind STARTTLS never run", async () => {
  const client = await Client.open(service.port("smtp"));
  await client.hear();
  await client.say("EHLO mx.example.net");
  const goAhead = await client
    .say("STARTTLS\r\nMAIL FROM:<injected@example.net>\r\nRCPT TO:<bob@localhost>")
    .catch(() => "");
  if (goAhead.startsWith("220 ")) {
    const ca = readFileSync(join(service.home, "control", "servercert.pem"), "utf8");
    const secured = await client.secure(ca, service.host).catch(() => undefined);
    if (secured !== undefined) assert.match(await client.say("DATA"), /^503 /);
  }
  client.close();
});
