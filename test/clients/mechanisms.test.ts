/** The ways to log in that control/authmechanisms names, each with clients that others wrote. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { missing, run } from "./command.ts";
import { type Service, startService } from "./service.ts";

let service: Service;
let certificate = "";

let token = "";

before(async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const keys = JSON.stringify({ keys: [await exportJWK(publicKey)] });
  const claims = { iss: "https://id.example", aud: "mail.example", sub: "alice" };
  token = await new SignJWT(claims)
    .setProtectedHeader({ alg: "ES256" })
    .setExpirationTime("1h")
    .sign(privateKey);
  service = await startService({
    prepare: (home) => {
      writeFileSync(join(home, "control", "jwks.json"), keys);
      const oauth = ["issuer https://id.example", "audience mail.example", "claim sub"];
      const lines = [...oauth, `keys ${join(home, "control", "jwks.json")}`, ""];
      writeFileSync(join(home, "control", "oauth"), lines.join("\n"));
      return [
        join(home, "control", "authmechanisms"),
        [
          "SCRAM-SHA-256-PLUS",
          "SCRAM-SHA-256",
          "PLAIN",
          "LOGIN",
          "CRAM-MD5",
          "APOP",
          "OAUTHBEARER",
          "XOAUTH2",
          "",
        ].join("\n"),
      ];
    },
  });
  certificate = join(service.home, "control", "servercert.pem");
  writeFileSync(join(service.home, "users", "clear"), `alice:${service.password("alice")}\n`, {
    mode: 0o600,
  });
});
after(() => service?.stop());

let number = 0;

/** A settings file of msmtp or mpop for our service. */
function settingsFor(
  port: "submission" | "submissions" | "pop3" | "pop3s",
  lines: readonly string[],
): string {
  const file = join(service.home, `client.${++number}`);
  const all = [
    "account default",
    "host 127.0.0.1",
    `port ${service.port(port)}`,
    "tls on",
    `tls_starttls ${port === "submission" || port === "pop3" ? "on" : "off"}`,
    `tls_trust_file ${certificate}`,
    `tls_host_override ${service.host}`,
    ...lines,
    "",
  ];
  writeFileSync(file, all.join("\n"), { mode: 0o600 });
  return file;
}

for (const mechanism of ["scram-sha-256", "plain", "login", "cram-md5", "apop", "oauthbearer", "xoauth2"]) {
  const secret = () => (/oauth/.test(mechanism) ? token : service.password("alice"));

  for (const port of mechanism === "apop" ? [] : (["submission", "submissions"] as const)) {
    test(`msmtp: ${mechanism}, ${port}`, { skip: missing("msmtp") }, async () => {
      const from = `alice@${service.host}`;
      const lines = [`auth ${mechanism}`, "user alice", `password ${secret()}`, `from ${from}`];
      const settings = settingsFor(port, lines);
      const count = service.mailOf("bob").length;
      const message = `Subject: ${mechanism}\n\nhello\n`;
      const { code, all } = await run(["msmtp", "-C", settings, `bob@${service.host}`], { input: message });
      assert.equal(code, 0, all + service.log());
      await service.waitForMail("bob", count + 1);
      const wrong = settingsFor(
        port,
        lines.map((line) => line.replace(/^password .*/, "password guess")),
      );
      const refused = await run(["msmtp", "-C", wrong, `bob@${service.host}`], { input: message });
      assert.notEqual(refused.code, 0);
      assert.match(refused.all, /535 authup authorization failed/);
    });
  }

  test(`mpop: ${mechanism}`, { skip: missing("mpop") }, async () => {
    const lines = [`auth ${mechanism}`, "user alice", `password ${secret()}`];
    const uidls = `uidls_file ${join(service.home, `uidls.${number}`)}`;
    const more = ["keep on", uidls, `delivery mbox ${join(service.home, `mbox.${number}`)}`];
    const { code, all } = await run(["mpop", "-C", settingsFor("pop3", [...lines, ...more])]);
    assert.equal(code, 0, all);
  });
}

/** gsasl(1) proves who it is, and says so; it cannot send mail. */
async function gsasl(
  port: "submission" | "submissions",
  mechanism: string,
  password: string,
): Promise<string> {
  const { all } = await run([
    ...["gsasl", "--smtp", "--no-client-first", "--quiet", "--mechanism", mechanism],
    ...["--authentication-id", "alice", "--authorization-id", "", "--password", password],
    ...["--x509-ca-file", certificate, "--hostname", service.host],
    ...["--connect", `127.0.0.1:${service.port(port)}`],
  ]);
  return all;
}

test("gsasl: SCRAM-SHA-256-PLUS, bound to the channel", { skip: missing("gsasl") }, async () => {
  const out = await gsasl("submission", "SCRAM-SHA-256-PLUS", service.password("alice"));
  assert.match(out, /^235 /m, out);
});

for (const mechanism of ["CRAM-MD5", "PLAIN", "LOGIN"]) {
  test(`swaks: ${mechanism}`, { skip: missing("swaks") }, async () => {
    const address = (user: string) => `${user}@${service.host}`;
    const { code, all } = await run([
      ...[
        "swaks",
        "--server",
        `127.0.0.1:${service.port("submission")}`,
        "--tls",
        "--helo",
        "client.example",
      ],
      ...["--auth", mechanism, "--auth-user", "alice", "--auth-password", service.password("alice")],
      ...["--from", address("alice"), "--to", address("bob")],
    ]);
    assert.equal(code, 0, all);
  });

  test(`curl: POP3, ${mechanism}`, { skip: missing("curl") }, async () => {
    const { code, all } = await run([
      ...["curl", "-sS", "--cacert", certificate, "--ssl-reqd", "--login-options", `AUTH=${mechanism}`],
      ...["--user", `alice:${service.password("alice")}`, `pop3://127.0.0.1:${service.port("pop3")}/`],
    ]);
    assert.equal(code, 0, all);
  });
}

for (const port of ["pop3", "pop3s"] as const) {
  test(`curl: ${port}, an access token`, { skip: missing("curl") }, async () => {
    const url = `${port}://127.0.0.1:${service.port(port)}/`;
    const curl = ["curl", "-sS", "--cacert", certificate, "--ssl-reqd", "--user", "alice:"];
    const { code, all } = await run([...curl, "--oauth2-bearer", token, url]);
    assert.equal(code, 0, all);
    assert.notEqual((await run([...curl, "--oauth2-bearer", `${token}x`, url])).code, 0);
  });
}
