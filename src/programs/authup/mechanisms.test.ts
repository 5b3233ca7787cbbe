/** authup and our own checkpassword, who talk on descriptor 3: what a client sees of it. */
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { base64, Client, failed, greeted, malformed, password, pem } from "../../../test/authup-client.ts";
import { scramFinal } from "../../../test/scram-client.ts";

/** What is said to a client that does SCRAM, from its first message on: challenges decoded. */
async function scram(
  client: Client,
  { first, mechanism = "SCRAM-SHA-256", known = password, channel = "" }: ScramTry,
): Promise<string[]> {
  const heard: string[] = [];
  const say = async (line: string) => {
    const reply = await client.say(line);
    const challenge = /^(?:334|\+) (.*)$/.exec(reply)?.[1];
    heard.push(challenge === undefined ? reply : Buffer.from(challenge, "base64").toString("latin1"));
    return challenge === undefined ? undefined : heard.at(-1)!;
  };
  const challenge = await say(`AUTH ${mechanism} ${base64(first)}`);
  if (challenge === undefined) return heard;
  const final = scramFinal(known, first, challenge, Buffer.from(channel, "hex"));
  if ((await say(base64(final))) !== undefined) await say("");
  return heard;
}

interface ScramTry {
  readonly first: string;
  readonly mechanism?: string;
  readonly known?: string;
  readonly channel?: string;
}

for (const protocol of ["smtp", "pop3"] as const) {
  test(`${protocol}: SCRAM-SHA-256 lets alice in, and proves that we know her`, async () => {
    const client = await greeted(protocol);
    const heard = await scram(client, { first: "n,,n=alice,r=abc" });
    assert.match(heard[0]!, /^r=abc[^,]{24},s=AQEBAQEBAQEBAQEBAQEBAQ==,i=4096$/);
    assert.match(heard[1]!, /^v=[A-Za-z0-9+/]{43}=$/);
    assert.equal(heard[2], "welcome alice");
    assert.deepEqual(await client.ended, { code: 0 });
    assert.match(
      client.log.join("\n"),
      /attempt for alice\n.*accepted alice|accepted alice\n.*attempt for alice/,
    );
  });

  test(`${protocol}: a wrong password, nobody, root, a locked account and a user without a verifier look alike`, async () => {
    const shapes = new Set<string>();
    for (const user of ["alice", "nobody", "root", "locked", "bob"]) {
      const client = await greeted(protocol);
      const known = user === "alice" ? "guess" : password;
      const [challenge = "", ...rest] = await scram(client, { first: `n,,n=${user},r=abc`, known });
      const [again = ""] = await scram(client, { first: `n,,n=${user},r=abc`, known });
      const salt = (text: string) => text.replace(/^r=[^,]*/, "");
      assert.equal(salt(again), salt(challenge), `${user} has another salt each time`);
      shapes.add(JSON.stringify([challenge.replace(/[A-Za-z0-9+/]/g, "x"), ...rest]));
      client.end();
      await client.ended;
    }
    assert.equal(shapes.size, 1, [...shapes].join("\n"));
    assert.ok([...shapes][0]?.endsWith(`,"${failed[protocol]}"]`));
  });

  test(`${protocol}: what is malformed costs no try, and the session goes on`, async () => {
    const client = await greeted(protocol);
    for (const first of ["", "n,,", "n,a=bob,n=alice,r=abc", "p=,,n=alice,r=abc", "\0\xff"]) {
      assert.equal(await client.say(`AUTH SCRAM-SHA-256 ${base64(first) || "="}`), malformed[protocol]);
    }
    await client.say(`AUTH SCRAM-SHA-256 ${base64("n,,n=alice,r=abc")}`);
    assert.equal(await client.say(base64("c=biws")), malformed[protocol]);
    await client.say(`AUTH SCRAM-SHA-256 ${base64("n,,n=alice,r=abc")}`);
    assert.equal(await client.say("!!!!"), malformed[protocol]);
    await client.say(`AUTH SCRAM-SHA-256 ${base64("n,,n=alice,r=abc")}`);
    assert.match(await client.say("*"), /auth exchange cancelled/);
    await client.say(`AUTH SCRAM-SHA-256 ${base64("n,,n=alice,r=abc")}`);
    assert.match(await client.say("x".repeat(12_287)), /line too long/);
    assert.match(await client.say("AUTH NONSENSE"), /auth type unimplemented/);
    const heard = await scram(client, { first: "n,,n=alice,r=abc" });
    assert.equal(heard.at(-1), "welcome alice");
    await client.ended;
  });

  test(`${protocol}: what is sent ahead of a challenge is refused`, async () => {
    const client = await greeted(protocol);
    client.write(`AUTH SCRAM-SHA-256 ${base64("n,,n=alice,r=abc")}\r\nNOOP\r\n`);
    assert.equal(await client.hear(), malformed[protocol]);
    assert.match(await client.hear(), /^(?:250|\+OK)/);
    client.end();
    assert.deepEqual(await client.ended, { code: 1 });
  });

  test(`${protocol}: a client that goes in the middle leaves nothing behind`, async () => {
    const client = await greeted(protocol);
    await client.say(`AUTH SCRAM-SHA-256 ${base64("n,,n=alice,r=abc")}`);
    client.end();
    assert.deepEqual(await client.ended, { code: 1 });
  });

  test(`${protocol}: the first message may wait for a challenge`, async () => {
    const client = await greeted(protocol);
    assert.match(await client.say("AUTH SCRAM-SHA-256"), /^(?:334|\+) $/);
    assert.match(await client.say(base64("n,,n=alice,r=abc")), /^(?:334|\+) cj1hYm/);
    client.end();
    await client.ended;
  });
}

const channel = "0123456789abcdef".repeat(4);
const bound = { SSL_TLS_EXPORTER: channel, SSL_PROTOCOL: "TLSv1.3" };
const plus = "SCRAM-SHA-256-PLUS";

test("SCRAM-SHA-256-PLUS is offered where there is a channel to bind to, and binds to it", async () => {
  const clear = await greeted("smtp");
  assert.equal(await clear.say(`AUTH ${plus}`), "504 authup auth type unimplemented (#5.5.1)");
  clear.write("EHLO c\r\n");
  await clear.hear();
  assert.equal(await clear.hear(), "250-AUTH SCRAM-SHA-256 PLAIN LOGIN CRAM-MD5 OAUTHBEARER XOAUTH2");
  clear.end();
  const client = await greeted("smtp", bound);
  client.write("EHLO c\r\n");
  await client.hear();
  assert.equal(
    await client.hear(),
    `250-AUTH ${plus} SCRAM-SHA-256 PLAIN LOGIN CRAM-MD5 OAUTHBEARER XOAUTH2`,
  );
  await client.hear();
  const first = "p=tls-exporter,,n=alice,r=abc";
  const elsewhere = channel.replaceAll("0", "1");
  assert.equal((await scram(client, { first, mechanism: plus, channel: elsewhere })).at(-1), failed.smtp);
  assert.equal((await scram(client, { first, mechanism: plus, channel })).at(-1), "welcome alice");
});

test("a client that could bind, and was told that we cannot, is not let in", async () => {
  const client = await greeted("smtp", bound);
  assert.equal((await scram(client, { first: "y,,n=alice,r=abc" })).at(-1), failed.smtp);
  assert.equal((await scram(client, { first: "n,,n=alice,r=abc" })).at(-1), "welcome alice");
  const unbound = await greeted("smtp");
  assert.equal((await scram(unbound, { first: "y,,n=alice,r=abc" })).at(-1), "welcome alice");
});

for (const protocol of ["smtp", "pop3"] as const) {
  const cram = async (client: Client, user: string, known: string) => {
    const challenge = /^(?:334|\+) (.+)$/.exec(await client.say("AUTH CRAM-MD5"))?.[1] ?? "";
    const digest = createHmac("md5", known).update(Buffer.from(challenge, "base64")).digest("hex");
    return client.say(base64(`${user} ${digest}`));
  };

  test(`${protocol}: CRAM-MD5, for those whose password is stored as it is`, async () => {
    const client = await greeted(protocol);
    assert.equal(await client.say(`AUTH CRAM-MD5 ${base64("alice x")}`), malformed[protocol]);
    assert.match(await client.say("AUTH CRAM-MD5"), /^(?:334|\+) \S+$/);
    assert.equal(await client.say(base64("alice")), malformed[protocol]);
    assert.equal(await cram(client, "alice", "guess"), failed[protocol]);
    assert.equal(await cram(client, "root", "pencil"), failed[protocol]);
    assert.equal(await cram(client, "alice", "pen:cil"), "welcome alice");
  });

  test(`${protocol}: EXTERNAL, for the users of a certificate and nobody else`, async () => {
    const none = await greeted(protocol);
    assert.match(await none.say("AUTH EXTERNAL ="), /auth type unimplemented$|unimplemented \(#5\.5\.1\)$/);
    none.end();
    const tls = { SSL_CLIENT_CERT: pem };
    assert.equal(await (await greeted(protocol, tls)).say("AUTH EXTERNAL ="), "welcome alice");
    assert.equal(await (await greeted(protocol, tls)).say(`AUTH EXTERNAL ${base64("bob")}`), "welcome bob");
    const asked = await greeted(protocol, tls);
    assert.match(await asked.say("AUTH EXTERNAL"), /^(?:334|\+) $/);
    assert.equal(await asked.say(""), "welcome alice");
    const wrong = await greeted(protocol, tls);
    assert.equal(await wrong.say(`AUTH EXTERNAL ${base64("root")}`), failed[protocol]);
    assert.equal(await wrong.say(`AUTH EXTERNAL ${base64("carol")}`), failed[protocol]);
    assert.equal(await wrong.say(`AUTH EXTERNAL ${base64("a b")}`), malformed[protocol]);
    wrong.end();
    await wrong.ended;
  });
}

test("APOP: the stamp is in the greeting, and the digest of it lets alice in", async () => {
  const client = new Client("pop3");
  const stamp = /^\+OK (<\d+\.\d+@mx\.example>)$/.exec(await client.hear())?.[1] ?? "";
  const digest = (known: string) =>
    createHash("md5")
      .update(stamp + known)
      .digest("hex");
  assert.equal(await client.say("APOP"), "-ERR authup syntax error");
  assert.equal(await client.say("APOP alice"), malformed.pop3);
  assert.equal(await client.say(`APOP alice ${digest("guess")}`), failed.pop3);
  assert.equal(await client.say(`APOP nobody ${digest("pen:cil")}`), failed.pop3);
  assert.match(await client.say("AUTH APOP"), /auth type unimplemented/);
  assert.equal(await client.say(`APOP alice ${digest("pen:cil")}`), "welcome alice");
});
