/** Our users send mail: submission on its port and on the one with TLS from the first byte, by other people's clients. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { missing, run } from "./command.ts";
import { type Service, startService } from "./service.ts";
import { Client, plain } from "./smtp-client.ts";

let service: Service;
let certificate = "";

before(async () => {
  service = await startService();
  certificate = join(service.home, "control", "servercert.pem");
});
after(() => service?.stop());

const bob = () => `bob@${service.host}`;
const alice = () => `alice@${service.host}`;
const messageTo = (to: string, subject: string, ...more: string[]) =>
  [`Subject: ${subject}`, `From: Alice <${alice()}>`, `To: ${to}`, ...more, "", "Hello.", ".a dot", ""].join(
    "\r\n",
  );

/** The message that is new at bob's, with this subject. */
async function delivered(subject: string): Promise<string> {
  for (let count = 1; ; count++) {
    const found = (await service.waitForMail("bob", count)).find((text) =>
      text.includes(`Subject: ${subject}\n`),
    );
    if (found !== undefined) return found;
  }
}

test("EHLO shows STARTTLS and no AUTH; AUTH in clear is refused", async () => {
  const client = await Client.open(service.port("submission"));
  assert.match(await client.hear(), /^220 /);
  const capabilities = await client.say("EHLO client.example");
  assert.match(capabilities, /^250[- ]STARTTLS\r$/m);
  assert.doesNotMatch(capabilities, /AUTH/);
  assert.match(await client.say(`AUTH PLAIN ${plain("alice", service.password("alice"))}`), /^530 /);
  assert.match(await client.say("QUIT"), /^221 /);
  client.close();
});

test("a message is completed, signed by our trace line, and its Bcc is gone", async () => {
  const client = await Client.open(service.port("submission"));
  await client.hear();
  await client.say("EHLO client.example");
  assert.match(await client.say("STARTTLS"), /^220 /);
  const { protocol, cipher } = await client.secure(readFileSync(certificate, "utf8"), service.host);
  assert.match(await client.say("EHLO client.example"), /^250[- ]AUTH (?=.*\bPLAIN\b)(?=.*\bLOGIN\b)/m);
  assert.match(await client.say(`AUTH PLAIN ${plain("alice", "wrong")}`), /^535 /);
  assert.match(await client.say(`AUTH PLAIN ${plain("alice", service.password("alice"))}`), /^235 /);
  assert.match(await client.say("EHLO client.example"), /^250[- ]8BITMIME\r$/m);
  assert.match(await client.say(`MAIL FROM:<${alice()}>`), /^250 /);
  assert.match(await client.say(`RCPT TO:<${bob()}>`), /^250 /);
  assert.match(await client.say("DATA"), /^354 /);
  const text = messageTo(bob(), "by hand", "Bcc: carol@example.net").replace(/^\./gm, "..");
  assert.match(await client.say(`${text}.`), /^250 /);
  assert.match(await client.say("QUIT"), /^221 /);
  client.close();
  const message = await delivered("by hand");
  assert.doesNotMatch(message, /bcc|carol/i);
  assert.match(message, /^Date: \d{1,2} [A-Z][a-z]{2} \d{4} /m);
  assert.match(message, /^Message-ID: <[^>]+@[^>]+>$/im);
  assert.match(message, new RegExp(`^Received: \\(ucspitls acceptutils authup alice ${protocol} `, "m"));
  assert.ok(message.includes(` ${cipher});`) || message.includes(`${cipher})`), message);
  assert.match(message, /\n\nHello\.\n\.a dot\n$/);
});

for (const mechanism of ["PLAIN", "LOGIN"]) {
  test(`swaks: AUTH ${mechanism} after STARTTLS`, { skip: missing("swaks") }, async () => {
    const { code, all } = await run([
      "swaks",
      "--server",
      `127.0.0.1:${service.port("submission")}`,
      "--tls",
      "--tls-sni",
      service.host,
      "--auth",
      mechanism,
      "--auth-user",
      "alice",
      "--auth-password",
      service.password("alice"),
      "--auth-hide-password",
      "--from",
      alice(),
      "--to",
      bob(),
      "--ehlo",
      "client.example",
      "--header",
      `Subject: swaks ${mechanism}`,
    ]);
    assert.equal(code, 0, all);
    await delivered(`swaks ${mechanism}`);
  });
}

test("swaks: a wrong password", { skip: missing("swaks") }, async () => {
  const { code, all } = await run([
    "swaks",
    "--server",
    `127.0.0.1:${service.port("submission")}`,
    "--tls",
    "--auth",
    "PLAIN",
    "--auth-user",
    "alice",
    "--auth-password",
    "wrong",
    "--from",
    alice(),
    "--to",
    bob(),
  ]);
  assert.equal(code, 28, all); // its exit code for a failed authentication
  assert.match(all, /^<~\*? +535 /m);
});

for (const [scheme, port] of [
  ["smtp", "submission"],
  ["smtps", "submissions"],
] as const) {
  test(`curl: ${scheme}`, { skip: missing("curl") }, async () => {
    const { code, all } = await run(
      [
        "curl",
        "-sS",
        "--cacert",
        certificate,
        "--ssl-reqd",
        "--user",
        `alice:${service.password("alice")}`,
        "--mail-from",
        alice(),
        "--mail-rcpt",
        bob(),
        "--upload-file",
        "-",
        `${scheme}://127.0.0.1:${service.port(port)}`,
      ],
      { input: messageTo(bob(), `curl ${scheme}`) },
    );
    assert.equal(code, 0, all);
    await delivered(`curl ${scheme}`);
  });

  test(`msmtp: ${scheme}`, { skip: missing("msmtp") }, async () => {
    const settings = join(service.home, `msmtprc.${scheme}`);
    const lines = [
      "account default",
      "host 127.0.0.1",
      `port ${service.port(port)}`,
      "auth on",
      "user alice",
      `password ${service.password("alice")}`,
      `from ${alice()}`,
      "tls on",
      `tls_starttls ${scheme === "smtp" ? "on" : "off"}`,
      `tls_trust_file ${certificate}`,
      `tls_host_override ${service.host}`,
      "",
    ];
    writeFileSync(settings, lines.join("\n"), { mode: 0o600 });
    const { code, all } = await run(["msmtp", "-C", settings, bob()], {
      input: messageTo(bob(), `msmtp ${scheme}`).replaceAll("\r", ""),
    });
    assert.equal(code, 0, all);
    await delivered(`msmtp ${scheme}`);
  });
}

for (const [starttls, port] of [
  [["-starttls", "smtp"], "submission"],
  [[], "submissions"],
] as const) {
  test(`openssl s_client, ${port}`, { skip: missing("openssl") }, async () => {
    const session = [
      "EHLO client.example",
      `AUTH PLAIN ${plain("alice", service.password("alice"))}`,
      "QUIT",
      "",
    ];
    const { out } = await run(
      [
        "sh",
        "-c",
        // A client that waits for its replies, as one must before AUTH has been answered.
        `while read -r line; do printf '%s\\r\\n' "$line"; sleep 0.3; done | openssl s_client -quiet -verify_return_error -CAfile "$0" -connect 127.0.0.1:${service.port(port)} ${starttls.join(" ")}`,
        certificate,
      ],
      { input: session.join("\n") },
    );
    assert.match(out, /^235 /m);
    assert.match(out, /^221 /m);
  });
}

test("a client that leaves before the handshake is not waited for", async () => {
  const ends = () => service.log().match(/^submissions sslserver: end /gm)?.length ?? 0;
  const before = ends();
  (await Client.open(service.port("submissions"))).close();
  for (let tries = 0; ends() === before; tries++) {
    assert.ok(tries < 100, "the connection is still there after five seconds");
    await later(50);
  }
});

test("no password is in the log or in a file of the home", async () => {
  for (const user of ["alice", "bob"] as const) {
    const password = service.password(user);
    for (const secret of [password, Buffer.from(password).toString("base64"), plain(user, password)]) {
      assert.ok(!service.log().includes(secret), "a password is in the log");
      const { out } = await run(["grep", "-rlF", "--exclude=msmtprc.*", "--", secret, service.home]);
      assert.equal(out, "");
    }
  }
});
