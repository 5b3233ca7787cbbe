/** Our users fetch their mail: POP3 with STLS, and with TLS from the first byte. */
import assert from "node:assert/strict";
import { chownSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { missing, run } from "./command.ts";
import { type Service, startService } from "./service.ts";
import { Client } from "./smtp-client.ts";

let service: Service;
let certificate = "";
let user = "";

before(async () => {
  service = await startService();
  certificate = join(service.home, "control", "servercert.pem");
  user = `bob:${service.password("bob")}`;
});
after(() => service?.stop());

/** What a delivery leaves; the second has a line that begins with a dot and no line end. */
const texts = ["Subject: one\n\nfirst\n", "Subject: two\n\n.dot\nno end"];
const onTheWire = ["Subject: one\r\n\r\nfirst\r\n", "Subject: two\r\n\r\n.dot\r\nno end\r\n"];

beforeEach(() => {
  const maildir = join(service.home, "mail", "bob", "Maildir");
  const { uid, gid } = statSync(maildir);
  for (const folder of ["new", "cur"]) {
    rmSync(join(maildir, folder), { recursive: true });
    mkdirSync(join(maildir, folder), { mode: 0o700 });
    chownSync(join(maildir, folder), uid, gid);
  }
  for (const [at, text] of texts.entries()) {
    const file = join(maildir, "new", `170000000${at}.${at}.test`);
    writeFileSync(file, text, { mode: 0o600 });
    chownSync(file, uid, gid);
  }
});

test("USER before STLS is refused", async () => {
  const client = await Client.open(service.port("pop3"));
  assert.match(await client.hear(), /^\+OK /);
  assert.match(await client.say("CAPA", { toTheDot: true }), /^STLS\r$/m);
  assert.match(await client.say("USER bob"), /^-ERR /);
  assert.match(await client.say("QUIT"), /^\+OK/);
  client.close();
});

for (const port of ["pop3", "pop3s"] as const) {
  test(`${port}: bob lists, retrieves and deletes exactly what was delivered`, async () => {
    const client = await Client.open(service.port(port));
    const ca = readFileSync(certificate, "utf8");
    if (port === "pop3") {
      await client.hear();
      assert.match(await client.say("STLS"), /^\+OK/);
      await client.secure(ca, service.host);
    } else {
      await client.secure(ca, service.host);
      assert.match(await client.hear(), /^\+OK /);
    }
    assert.match(await client.say("USER bob"), /^\+OK/);
    assert.match(await client.say(`PASS ${service.password("bob")}`), /^\+OK/);
    assert.match(await client.say("STAT"), /^\+OK 2 /);
    const list = await client.say("LIST", { toTheDot: true });
    assert.match(list, /^1 \d+\r\n2 \d+\r\n\.\r\n$/m);
    for (const [at, text] of onTheWire.entries()) {
      const reply = await client.say(`RETR ${at + 1}`, { toTheDot: true });
      const content = reply.slice(reply.indexOf("\n") + 1, -".\r\n".length).replace(/^\./gm, "");
      // qmail-pop3d has always put an empty line at the end of a message without one.
      assert.ok(content === text || content === `${text}\r\n`, content);
    }
    assert.match(await client.say("DELE 1"), /^\+OK/);
    assert.match(await client.say("QUIT"), /^\+OK/);
    client.close();
    assert.deepEqual(service.mailOf("bob"), [texts[1]]);
  });

  test(`curl: ${port}`, { skip: missing("curl") }, async () => {
    const url = `${port}://127.0.0.1:${service.port(port)}`;
    const curl = ["curl", "-sS", "--cacert", certificate, "--ssl-reqd", "--user", user];
    const { out, all } = await run([...curl, `${url}/1`]);
    assert.ok(out.startsWith(onTheWire[0]!), all);
    const listed = await run([...curl, `${url}/`]);
    assert.match(listed.out, /^1 \d+\r\n2 \d+\r\n$/);
  });

  test(`mpop: ${port}`, { skip: missing("mpop") }, async () => {
    const settings = join(service.home, `mpoprc.${port}`);
    const inbox = join(service.home, `mpop.${port}.mbox`);
    const lines = [
      "account default",
      "host 127.0.0.1",
      `port ${service.port(port)}`,
      "user bob",
      `password ${service.password("bob")}`,
      "auth user",
      "tls on",
      `tls_starttls ${port === "pop3" ? "on" : "off"}`,
      `tls_trust_file ${certificate}`,
      `tls_host_override ${service.host}`,
      "keep off",
      `uidls_file ${join(service.home, `mpop.${port}.uidls`)}`,
      `delivery mbox ${inbox}`,
      "",
    ];
    writeFileSync(settings, lines.join("\n"), { mode: 0o600 });
    const { code, all } = await run(["mpop", "-C", settings]);
    assert.equal(code, 0, all);
    const mbox = readFileSync(inbox, "latin1");
    assert.match(mbox, /^Subject: one\n\nfirst\n/m);
    assert.match(mbox, /^Subject: two\n\n\.dot\nno end\n/m);
    assert.deepEqual(service.mailOf("bob"), []);
  });

  test(`fetchmail: ${port}`, { skip: missing("fetchmail") }, async () => {
    const settings = join(service.home, `fetchmailrc.${port}`);
    const inbox = join(service.home, `fetchmail.${port}`);
    const lines = [
      `poll 127.0.0.1 protocol pop3 port ${service.port(port)}`,
      `  user bob password "${service.password("bob")}"`,
      `  ${port === "pop3" ? "sslproto tls1.2+" : "ssl"} sslcertfile "${certificate}" sslcommonname "${service.host}"`,
      `  mda "cat >> ${inbox}" no keep`,
      "",
    ];
    writeFileSync(settings, lines.join("\n"), { mode: 0o600 });
    const { code, all } = await run(
      ["fetchmail", "-f", settings, "--nosyslog", "--pidfile", `${settings}.pid`],
      {
        env: { FETCHMAILHOME: service.home, HOME: service.home },
      },
    );
    assert.equal(code, 0, all);
    const fetched = readFileSync(inbox, "latin1");
    assert.match(fetched, /^Subject: one\n/m);
    assert.match(fetched, /^\.dot\nno end\n/m);
    assert.deepEqual(service.mailOf("bob"), []);
  });
}

test("openssl s_client -starttls pop3", { skip: missing("openssl") }, async () => {
  const session = ["USER bob", `PASS ${service.password("bob")}`, "STAT", "QUIT", ""].join("\n");
  const { out } = await run(
    [
      "sh",
      "-c",
      `while read -r line; do printf '%s\\r\\n' "$line"; sleep 0.3; done | openssl s_client -quiet -verify_return_error -CAfile "$0" -starttls pop3 -connect 127.0.0.1:${service.port("pop3")}`,
      certificate,
    ],
    { input: session },
  );
  assert.match(out, /^\+OK 2 /m);
});
