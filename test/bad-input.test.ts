/**
 * What clients send that is not a login, cut by the network at every point. Each gets one clear reply, and leaves the
 * session as it was: the right password still lets alice in.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { maximumRefusals } from "../src/protocol/authup/authorization-state.ts";
import { base64, type Client, greeted, malformed, type Protocol, password, pem } from "./authup-client.ts";
import { type Answer, type Case, casesOf, firstMessages, laterCases, otherCases } from "./bad-input-cases.ts";
import { cuts } from "./play.ts";

const replies = {
  malformed,
  cancelled: {
    smtp: "501 authup auth exchange cancelled (#5.0.0)",
    pop3: "-ERR authup auth exchange cancelled",
  },
  unknown: {
    smtp: "504 authup auth type unimplemented (#5.5.1)",
    pop3: "-ERR authup auth type unimplemented",
  },
  tooLong: { smtp: "500 authup line too long (#5.5.2)", pop3: "-ERR authup line too long" },
  syntax: { smtp: "", pop3: "-ERR authup syntax error" }, // of POP3 alone
  unheard: { smtp: "530 authup authentication required (#5.7.1)", pop3: "-ERR authup authorization first" },
} as const satisfies Record<Answer, Record<Protocol, string>>;

/** TLS with a channel to bind to and a certificate of the client, so that all mechanisms are offered. */
const tls = {
  SSL_PROTOCOL: "TLSv1.3",
  SSL_TLS_EXPORTER: "0123456789abcdef".repeat(4),
  SSL_CLIENT_CERT: pem,
};

/** Every cut of a short line; of a long one its ends, the limits, and packets of Ethernet. */
function* cutsOf(line: string): Generator<readonly string[]> {
  const text = `${line}\r\n`;
  if (text.length < 2_000) {
    for (const pieces of cuts(Buffer.from(text, "latin1")))
      yield pieces.map((piece) => Buffer.from(piece).toString("latin1"));
    return;
  }
  yield [text];
  for (const at of [1, 5, 6, 2_046, 2_047, 12_285, 12_286, 12_287, text.length - 2, text.length - 1])
    if (at < text.length) yield [text.slice(0, at), text.slice(at)];
  yield text.match(/.{1,1460}/gs) ?? [];
}

/** In POP3 alice has said who she is: that is not forgotten. */
async function session(protocol: Protocol): Promise<Client> {
  const client = await greeted(protocol, tls);
  if (protocol === "pop3") assert.equal(await client.say("USER alice"), "+OK ");
  return client;
}

async function logIn(client: Client, protocol: Protocol): Promise<void> {
  const login = protocol === "pop3" ? `PASS ${password}` : `AUTH PLAIN ${base64(`\0alice\0${password}`)}`;
  assert.equal(await client.say(login), "welcome alice");
  assert.deepEqual(await client.ended, { code: 0 });
}

/** Plays a case in all its cuts, in as few sessions as may be refused so often. */
async function playAll(protocol: Protocol, [before, bad, answer]: Case): Promise<number> {
  const all = [...cutsOf(bad)];
  for (let from = 0; from < all.length; from += maximumRefusals) {
    const client = await session(protocol);
    for (const pieces of all.slice(from, from + maximumRefusals)) {
      for (const line of before) assert.match(await client.say(line), /^(?:334|\+) /);
      for (const piece of pieces) client.write(piece);
      assert.equal(await client.hear(), replies[answer][protocol]);
    }
    await logIn(client, protocol);
  }
  return all.length;
}

for (const protocol of ["smtp", "pop3"] as const) {
  const groups: [string, Iterable<Case>][] = [
    ...Object.keys(firstMessages).map((name): [string, Iterable<Case>] => [name, casesOf(name)]),
    ["later messages", laterCases()],
    ["other commands", otherCases(protocol)],
  ];
  for (const [name, cases] of groups) {
    test(`${protocol}, ${name}: bad input at every cut gets one reply, and a login works after it`, async () => {
      let played = 0;
      for (const each of cases) {
        try {
          played += await playAll(protocol, each);
        } catch (error) {
          throw new Error(`after ${JSON.stringify(each)}: ${error}`, { cause: error });
        }
      }
      assert.ok(played > 100);
    });
  }
}

const clientFirst = base64("n,,n=alice,r=abc");
/** Logins as far as they go without an answer that only a computer could give. */
const openings: readonly (readonly string[])[] = [
  [`AUTH PLAIN ${base64(`\0alice\0${password}`)}`],
  ["AUTH PLAIN", base64(`\0alice\0${password}`)],
  ["AUTH LOGIN", base64("alice"), base64(password)],
  [`AUTH LOGIN ${base64("alice")}`, base64(password)],
  ["AUTH SCRAM-SHA-256", clientFirst, base64("c=biws,r=abc,p=AA==")],
  [`AUTH SCRAM-SHA-256-PLUS ${base64("p=tls-exporter,,n=alice,r=abc")}`, base64("c=biws,r=abc,p=AA==")],
  ["AUTH EXTERNAL ="],
  ["AUTH EXTERNAL", base64("alice")],
  [`AUTH OAUTHBEARER ${base64("n,,\x01auth=Bearer t\x01\x01")}`, base64("\x01")],
  ["AUTH XOAUTH2", base64("user=alice\x01auth=Bearer t\x01\x01"), "="],
  ["AUTH CRAM-MD5", base64(`alice ${"0".repeat(32)}`)],
];

for (const protocol of ["smtp", "pop3"] as const) {
  test(`${protocol}: a client that goes, at any octet, is told nothing and leaves nothing behind`, async () => {
    const more = protocol === "pop3" ? [[`APOP alice ${"0".repeat(32)}`], [`PASS ${password}`]] : [];
    for (const lines of [...openings, ...more]) {
      for (const [number, last] of lines.entries()) {
        for (let octets = 0; octets <= last.length; octets++) {
          const client = await session(protocol);
          for (const line of lines.slice(0, number)) assert.match(await client.say(line), /^(?:334|\+) /);
          client.write(last.slice(0, octets));
          client.end();
          assert.deepEqual(await client.ended, { code: 1 }, last.slice(0, octets));
          assert.equal(await client.hear(), "(end)");
          assert.doesNotMatch(client.log.join("\n"), /accepted|succeeded/);
        }
      }
    }
  });

  test(`${protocol}: what comes with the last line of a login, cut anywhere, refuses it and is answered itself`, async () => {
    const more = protocol === "pop3" ? [[`APOP alice ${"0".repeat(32)}`], [`PASS ${password}`]] : [];
    for (const lines of [...openings, ...more]) {
      const last = lines.at(-1) ?? "";
      const text = `${last}\r\nNOOP\r\n`;
      const cutsHere = [...cuts(Buffer.from(text, "latin1"))]
        .slice(0, -1) // octet by octet, nothing comes with it
        .filter(([first]) => first?.length !== last.length + 2);
      for (let from = 0; from < cutsHere.length; from += maximumRefusals) {
        const client = await session(protocol);
        for (const pieces of cutsHere.slice(from, from + maximumRefusals)) {
          for (const line of lines.slice(0, -1)) assert.match(await client.say(line), /^(?:334|\+) /);
          for (const piece of pieces) client.write(Buffer.from(piece).toString("latin1"));
          assert.equal(await client.hear(), malformed[protocol], last);
          assert.equal(await client.hear(), protocol === "smtp" ? "250 ok" : "+OK ");
        }
        await logIn(client, protocol);
      }
    }
  });
}
