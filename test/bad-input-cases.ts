/** What clients send that is not a login: every mechanism, with everything that can be wrong with it. */
import { base64, type Protocol } from "./authup-client.ts";

export type Answer = "malformed" | "cancelled" | "unknown" | "tooLong" | "syntax" | "unheard";

/** Lines that are answered with challenges, then the bad one and what is said of it. */
export type Case = readonly [before: readonly string[], bad: string, answer: Answer];

/** In the place of base64. Without a blank at the end: one is tolerated in a command. */
const notBase64 = [
  ...["A", "AA", "AAA", "AAAAA", "A===", "AA=", "AAAA=", "=AAA", "====", "==", "===", "A=AA"], // lengths, padding
  ...["AB==", "AAB=", "AA==AA==", "AA=A", "AAA=AAAA"], // bits left over, padding in the middle
  ...["AA-_", "AA,A", "!!!!", "AA*A", "**", "*A", "AA AA", "AAA\t", "AAAA BBBB"],
  ...[
    "\0",
    "AAAA\0",
    "A\0AA",
    "AA\0\0",
    "\x01\x02\x03\x04",
    "AA\x7fA",
    "\x1b[2J",
    "\x08\x08\x08\x08",
    "AAAA\r",
  ],
  ...["\x80AAA", "AAA\xe9", "\xff\xfe\xfd\xfc", "\xc3\xa9AA", "\xf0\x9f\x94\x91"],
  // What would be alice, and her password, to one who does not look closely.
  ...["YWxpY2V=", "YWxpY2U", "YWxpY2U==", "YWxp Y2U=", "YWxpY2U=\0", "YWxpY2U=YQ=="],
  ...["AGFsaWNlAHBlbmNpbB==", "AGFsaWNlAHBlbmNpbA", "AGFsaWNlAHBlbmNpbA=", "AGFsaWNl\0AHBlbmNpbA=="],
];

const longName = "a".repeat(256);
const digest = "0".repeat(32);
const clientFirst = "n,,n=alice,r=abc";
const scramFirst = [
  ...["", "n", "n,", "n,,", "n,,n=alice", "n,,n=alice,r=", "n,,r=abc", "n,,n=,r=abc", "n,,r=abc,n=alice"],
  ...["x,,n=alice,r=abc", "p=,,n=alice,r=abc", "p=a b,,n=alice,r=abc", "N,,n=alice,r=abc", ",,n=alice,r=abc"],
  ...["n,a=bob,n=alice,r=abc", "n,b=bob,n=alice,r=abc", "n,a=al=ice,n=alice,r=abc", "n,,m=x,n=alice,r=abc"],
  ...["n,,n=al=ice,r=abc", "n,,n=a=2c,r=abc", "n,,n=a b,r=abc", "n,,n=a\0b,r=abc", "n,,n=a\nb,r=abc"],
  ...[
    "n,,n=\xff,r=abc",
    "n,,n=alice,r=a\0b",
    "n,,n=alice,r=a\xe9",
    "n,,n=alice,r=a\x7f",
    `n,,n=${longName},r=a`,
  ],
  ...["\0\xff", `${clientFirst}\n`],
];
const scramFinal = [
  ...["", "c=biws", "c=biws,r=abc", "r=abc,c=biws,p=AA==", "c=,r=abc,p=AA==", "c=biws,r=,p=AA==", "\0\xff"],
  ...[
    "c=biws,r=abc,p=",
    "c=biws,r=abc,p=!",
    "c=biws,r=abc,p=AA==",
    "c=biw,r=abc,p=AAAA",
    "c=biws,r=a\0c,p=AA==",
  ],
  ...["c=bi\0s,r=abc,p=AA==", `c=biws,r=abc,p=${Buffer.alloc(33).toString("base64")}`],
];
const names = [
  "a b",
  "a\tb",
  "a\0",
  "\0",
  "a\nb",
  "a\r",
  "\x1b[2J",
  "a\x7f",
  "\xff",
  "al\xefce",
  "\xed\xa0\x80",
  longName,
];
const tokenFields = [
  ...[
    "",
    "\x01",
    "\x01\x01",
    "auth=Bearer t",
    "auth=Bearer t\x01",
    "\x01auth=Bearer t\x01",
    "auth=Bearer \x01\x01",
  ],
  ...[
    "auth=Basic t\x01\x01",
    "auth=Bearer t t\x01\x01",
    "auth=Bearer t\0\x01\x01",
    "auth=Bearer \xe9\x01\x01",
  ],
  ...[
    "auth=Bearer t\x01auth=Bearer t\x01\x01",
    "auth=Bearer t\n\x01\x01",
    "host=x\x01\x01",
    "auth=Bearer t\x01\x01x",
  ],
];

/** What is base64, and no message of the mechanism, for its first message. */
export const firstMessages: Readonly<Record<string, readonly string[]>> = {
  PLAIN: [
    ...[
      "",
      "alice",
      "\0alice",
      "alice\0pencil",
      "\0\0pencil",
      "\0alice\0",
      "bob\0alice\0pencil",
      "\0alice\0pen\0cil",
    ],
    ...["\0alice\0pencil\0", "\0\0", ...names.map((name) => `\0${name}\0pencil`)],
  ],
  LOGIN: ["", ...names],
  "SCRAM-SHA-256": scramFirst,
  "SCRAM-SHA-256-PLUS": scramFirst,
  EXTERNAL: names,
  OAUTHBEARER: [
    ...tokenFields.map((fields) => `n,,\x01${fields}`),
    ...[
      "auth=Bearer t\x01\x01",
      "p=tls-exporter,,\x01auth=Bearer t\x01\x01",
      "n,a=b=x,\x01auth=Bearer t\x01\x01",
    ],
    ...[
      "n,a=a b,\x01auth=Bearer t\x01\x01",
      "n,a=\xff,\x01auth=Bearer t\x01\x01",
      "n\x01auth=Bearer t\x01\x01",
    ],
  ],
  XOAUTH2: [
    ...tokenFields.map((fields) => `user=alice\x01${fields}`),
    ...["auth=Bearer t\x01\x01", "user=\x01auth=Bearer t\x01\x01", "User=alice\x01auth=Bearer t\x01\x01"],
    ...names.map((name) => `user=${name}\x01auth=Bearer t\x01\x01`),
  ],
  "CRAM-MD5": [
    ...[
      "",
      "alice",
      "alice ",
      `alice${digest}`,
      ` ${digest}`,
      `alice  ${digest}`,
      `alice ${digest}0`,
      digest,
    ],
    ...[`alice ${digest.slice(1)}`, `alice ${digest.slice(1)}g`, `alice ${digest}\n`, `alice ${digest}\0`],
    ...names.map((name) => `${name} ${digest}`),
  ],
};

/** Everything wrong with `mechanism`. */
export function* casesOf(mechanism: string): Generator<Case> {
  const auth = `AUTH ${mechanism}`;
  const broken = [...notBase64, "*x", "A".repeat(12_288 - 2)];
  const messages = firstMessages[mechanism] ?? [];
  for (const text of [...notBase64, "*"]) yield [[], `${auth} ${text}`, "malformed"];
  for (const text of broken) yield [[auth], text, "malformed"];
  for (const text of messages) {
    yield [[auth], base64(text), "malformed"];
    if (text !== "") yield [[], `${auth} ${base64(text)}`, "malformed"];
  }
  yield [[auth], "*", "cancelled"];
  yield [[auth], auth, "malformed"]; // again, in the place of a response
  yield [[], `${auth}x`, "unknown"];
  yield [[], `${auth}\t${base64("alice")}`, "unknown"];
  yield [[], `${auth}\0`, "unknown"];
  yield [[], `${auth} `.padEnd(12_288 - 2, "A"), "malformed"];
  yield [[], `${auth} `.padEnd(12_288 - 1, "A"), "tooLong"];
  yield [[auth], "A".repeat(12_288 - 1), "tooLong"];
  yield [[auth], "\0\xff\r".repeat(10_000), "tooLong"];
}

/** What follows the first message. */
export function* laterCases(): Generator<Case> {
  const later: readonly (readonly [before: readonly string[], messages: readonly string[]])[] = [
    [
      ["AUTH LOGIN", base64("alice")],
      ["", "pen\0cil", "\0", "pencil\0"],
    ],
    [[`AUTH LOGIN ${base64("alice")}`], ["", "pen\0cil"]],
    [[`AUTH SCRAM-SHA-256 ${base64(clientFirst)}`], scramFinal],
    [
      ["AUTH SCRAM-SHA-256", base64(clientFirst)],
      ["", "c=biws"],
    ],
    [[`AUTH SCRAM-SHA-256-PLUS ${base64(clientFirst.replace("n", "p=tls-exporter"))}`], scramFinal],
    [["AUTH OAUTHBEARER", base64("n,,\x01auth=Bearer t\x01\x01")], []],
    [[`AUTH XOAUTH2 ${base64("user=alice\x01auth=Bearer t\x01\x01")}`], []],
  ];
  for (const [before, messages] of later) {
    for (const message of messages) yield [before, base64(message), "malformed"];
    for (const text of notBase64) yield [before, text, "malformed"];
    yield [before, before[0] ?? "", "malformed"];
    yield [before, "*", "cancelled"];
    yield [before, "A".repeat(12_288 - 1), "tooLong"];
  }
}

export function* otherCases(protocol: Protocol): Generator<Case> {
  for (const text of [
    "\0AUTH PLAIN",
    "AUTH\0PLAIN",
    "AUTH\tPLAIN",
    "AUT",
    "AUTHX PLAIN",
    " AUTH PLAIN",
    "\xc3\xa9",
    "\x16\x03\x01",
  ])
    yield [[], text, text.startsWith("AUTH\0") && protocol === "smtp" ? "unknown" : "unheard"];
  for (const text of [
    "AUTH NONSENSE",
    "AUTH CONSTRUCTOR x",
    "AUTH APOP x",
    "AUTH P\0LAIN",
    "AUTH \xff",
    "AUTH *",
    "AUTH =",
  ])
    yield [[], text, "unknown"];
  yield [[], `MAIL FROM:<${"x".repeat(2_048)}>`, "tooLong"];
  if (protocol === "smtp") return;
  for (const verb of ["APOP", "USER", "PASS"]) yield [[], verb, "syntax"];
  for (const text of firstMessages["CRAM-MD5"] ?? [])
    if (!/^[ \0]|[\n\r]|^$/.test(text)) yield [[], `APOP ${text}`, "malformed"];
  for (const name of names) if (!/[\n\r]/.test(name)) yield [[], `USER ${name}`, "malformed"];
  for (const text of ["pen\0cil", "pencil\0", "\0"]) yield [[], `PASS ${text}`, "malformed"];
}
