/** The run scripts of examples/s6, as they are but for the home and the address, under `acceptutils up`: mail in, out, read. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root } from "../runner/case.ts";
import { missing, run } from "./command.ts";
import { type Service, startService } from "./service.ts";

let service: Service;

before(async () => {
  const prepare = (home: string) => {
    const [first, ...others] = ["smtp", "submission", "pop3s"].map((name): [string, string] => {
      const path = join(home, "service", name, "run");
      const [address] = /^127\.0\.0\.1 \d+ /m.exec(readFileSync(path, "latin1")) ?? [];
      const script = readFileSync(join(root, "examples", "s6", name), "latin1");
      const here = script
        .replaceAll("/var/qmail", home)
        .replace(/^0\.0\.0\.0 \d+ /m, address!)
        .replace("rblsmtpd -r zen.spamhaus.org", "rblsmtpd"); // nobody's name server is asked
      return [path, here];
    });
    for (const [path, text] of others) writeFileSync(path, text);
    return first!;
  };
  service = await startService({ prepare });
});
after(() => service?.stop());

test("s6-tcpserver with s6-ucspitlsd: mail comes in after STARTTLS", { skip: missing("swaks") }, async () => {
  const words = ["--from", "carol@example.net", "--to", `bob@${service.host}`, "--ehlo", "mx.example.net"];
  const where = `127.0.0.1:${service.port("smtp")}`;
  const { code, all } = await run(["swaks", "--server", where, "--tls", ...words]);
  assert.equal(code, 0, all);
  const [message = ""] = await service.waitForMail("bob", 1);
  assert.match(message, /^Received: \(ucspitls acceptutils fixsmtpio TLSv1\.3 /m);
  assert.match(message, /^Received: from .*\(HELO mx\.example\.net\) \(127\.0\.0\.1\)\n {2}by 0 with /m);
  assert.match(service.log(), /s6-tcpserverd: info: accept 127\.0\.0\.1_\d+ pid \d+ count 1\/40/);
  assert.match(service.log(), /s6-tcpserver-access: pid \d+: info: allow pid \d+ ip 127\.0\.0\.1/);
});

test("and authup: mail goes out after authentication", { skip: missing("swaks") }, async () => {
  const from = `alice@${service.host}`;
  const login = ["--auth", "PLAIN", "--auth-user", "alice", "--auth-password", service.password("alice")];
  const words = ["--from", from, "--to", `bob@${service.host}`, "--ehlo", "client.example", ...login];
  const where = `127.0.0.1:${service.port("submission")}`;
  const { code, all } = await run(["swaks", "--server", where, "--tls", ...words]);
  assert.equal(code, 0, all);
  const mail = await service.waitForMail("bob", 2);
  assert.ok(mail.some((text) => /^Received: \(ucspitls acceptutils authup alice TLSv1\.3 /m.test(text)));
});

test("s6-tlsd: the mailbox is read inside TLS", { skip: missing("curl") }, async () => {
  const url = `pop3s://127.0.0.1:${service.port("pop3s")}/1`;
  const { code, all } = await run(["curl", "-sSk", url, "-u", `bob:${service.password("bob")}`]);
  assert.equal(code, 0, all);
  assert.match(all, /^Received: /m);
});
