import { test } from "node:test";
import { play, type Scene } from "../../../test/play.ts";
import type { Program } from "../../system/system.ts";
import { main } from "./main.ts";

/** Knows alice, whose password is "secret"; then greets, and says BYE back. */
const gate: Program = async (_words, system) => {
  const fields: Uint8Array[] = [];
  for (;;) {
    const chunk = await system.input(3).read();
    if (chunk === null) break;
    fields.push(chunk);
  }
  if (Buffer.concat(fields).toString("latin1") !== "alice\0secret\0\0") return 1;
  const say = (text: string) => system.output(1).write(Buffer.from(text, "latin1"));
  await say(
    `235 welcome ${system.env.get("AUTHUP_USER")} ${system.env.get("SSL_PROTOCOL") ?? "in clear"}\r\n`,
  );
  let heard = "";
  for (;;) {
    const chunk = await system.input(0).read();
    if (chunk === null) return 0;
    heard += Buffer.from(chunk).toString("latin1");
    if (!heard.includes("BYE\r\n")) continue;
    await say(heard);
    return 14;
  }
};

const files = {
  "control/me": "mx.example\n",
  "control/smtpcapabilities": "PIPELINING\n8BITMIME\n",
  "control/pop3capabilities": "TOP\nUIDL\n",
};
const programs = { authup: main, gate };
const smtp: Scene = { programs, files, argv: ["authup", "smtp", "gate"] };
const pop3: Scene = { programs, files, argv: ["authup", "-t", "2", "pop3", "gate"] };
const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");
const right = base64("\0alice\0secret");
const wrong = base64("\0alice\0guess");

for (const [name, dialogue, scene] of [
  [
    "PLAIN, then the program that serves the user",
    `
    S: 220 mx.example ESMTP
    C: EHLO client.example
    S: 250-mx.example
    S: 250-AUTH LOGIN PLAIN
    S: 250-PIPELINING
    S: 250 8BITMIME
    C: AUTH PLAIN ${right}
    S: 235 welcome alice in clear
    C: BYE
    S: BYE
    (END)`,
    {
      ...smtp,
      exit: 14,
      log: [
        "authup <PID> protocol smtp",
        "authup <PID> checkpassword <PID> attempt for alice",
        "authup <PID> checkpassword <PID> succeeded, child completed",
      ],
    },
  ],
  [
    "LOGIN after a wrong password and a cancelled exchange",
    `
    S: 220 mx.example ESMTP
    C: AUTH PLAIN ${wrong}
    S: 535 authup authorization failed (#5.7.0)
    C: AUTH LOGIN
    S: 334 VXNlcm5hbWU6
    C: *
    S: 501 authup auth exchange cancelled (#5.0.0)
    C: AUTH LOGIN
    S: 334 VXNlcm5hbWU6
    C: ${base64("alice")}
    S: 334 UGFzc3dvcmQ6
    C: ${base64("secret")}
    S: 235 welcome alice in clear
    (EOF)
    (END)`,
    { ...smtp, exit: 0 },
  ],
  [
    "the last try",
    `
    S: 220 mx.example ESMTP
    C: AUTH PLAIN ${wrong}
    S: 535 authup authorization failed (#5.7.0)
    C: AUTH PLAIN ${wrong}
    S: 535 authup authorization failed (#5.7.0)
    (END)`,
    { ...smtp, argv: ["authup", "-t2", "smtp", "gate"], exit: 1 },
  ],
  [
    "where TLS is required, AUTH is neither shown nor taken before it",
    `
    S: 220 mx.example ESMTP
    C: EHLO client.example
    S: 250-mx.example
    S: 250-STARTTLS
    S: 250-PIPELINING
    S: 250 8BITMIME
    C: AUTH PLAIN ${right}
    S: 530 authup Must start TLS first (#5.7.0)
    C: STARTTLS
    S: 220 Ready to start TLS (#5.7.0)
    (TLS)
    C: EHLO client.example
    S: 250-mx.example
    S: 250-AUTH LOGIN PLAIN
    S: 250-PIPELINING
    S: 250 8BITMIME
    C: STARTTLS
    S: 502 unimplemented (#5.5.1)
    C: AUTH PLAIN ${right}
    S: 235 welcome alice TLSv1.3
    (EOF)
    (END)`,
    { ...smtp, env: { UCSPITLS: "!" }, exit: 0 },
  ],
  [
    "a handshake that fails ends the session: nothing more is said in clear",
    `
    S: 220 mx.example ESMTP
    C: STARTTLS
    S: 220 Ready to start TLS (#5.7.0)
    (END)`,
    { ...smtp, env: { UCSPITLS: "" }, tls: null, exit: 1 },
  ],
  [
    "a server that offers TLS and cannot give it is found out before the go-ahead",
    `
    S: 220 mx.example ESMTP
    C: EHLO client.example
    S: 250-mx.example
    S: 250-AUTH LOGIN PLAIN
    S: 250-PIPELINING
    S: 250 8BITMIME
    C: STARTTLS
    S: 454 authup TLS temporarily not available (#5.7.3)
    C: QUIT
    S: 221 mx.example
    (END)`,
    { ...smtp, env: { UCSPITLS: "" }, tls: false, exit: 0 },
  ],
  [
    "bad input gets one clear reply each, and the session is as before",
    `
    S: 220 mx.example ESMTP
    C: AUTH CRAM-MD5
    S: 504 authup auth type unimplemented (#5.5.1)
    C: AUTH PLAIN =
    S: 501 authup malformed auth input (#5.5.4)
    C: AUTH PLAIN ${base64("\0alice")}
    S: 501 authup malformed auth input (#5.5.4)
    C: MAIL FROM:<>
    S: 530 authup authentication required (#5.7.1)
    C: AUTH PLAIN ${right}
    S: 235 welcome alice in clear
    (EOF)
    (END)`,
    { ...smtp, exit: 0 },
  ],
  [
    "without control files there is no greeting",
    `
    S: 421 authup unable to read controls (#4.3.0)
    (END)`,
    { ...smtp, files: {}, exit: 1 },
  ],
  [
    "POP3: the stamp is not in the greeting, and USER comes before PASS each time",
    `
    S: +OK mx.example
    C: PASS guess
    S: -ERR authup USER first
    C: USER alice
    S: +OK \x20
    C: PASS guess
    S: -ERR [AUTH] authup authorization failed
    C: PASS guess
    S: -ERR authup USER first
    C: QUIT
    S: +OK \x20
    (END)`.replaceAll(" \x20", " "),
    { ...pop3, exit: 0 },
  ],
  [
    "POP3: what was said in clear is forgotten",
    `
    S: +OK mx.example
    C: CAPA
    S: +OK capability list follows
    S: STLS
    S: USER
    S: SASL LOGIN PLAIN
    S: RESP-CODES
    S: AUTH-RESP-CODE
    S: TOP
    S: UIDL
    S: .
    C: USER mallory
    S: +OK \x20
    C: STLS
    S: +OK starting TLS negotiation
    (TLS)
    C: PASS guess
    S: -ERR authup USER first
    C: STLS
    S: -ERR STLS not available
    C: QUIT
    S: +OK \x20
    (END)`.replaceAll(" \x20", " "),
    { ...pop3, env: { UCSPITLS: "" }, exit: 0 },
  ],
] as [string, string, Scene][]) {
  test(name, () => play(dialogue, scene));
}

/** These are about what arrives in one piece. */
for (const [name, dialogue, scene] of [
  [
    "text behind STARTTLS ends the session",
    `
    S: 220 mx.example ESMTP
    C: STARTTLS
    C: EHLO mallory.example
    S: 220 Ready to start TLS (#5.7.0)
    (END)`,
    { ...smtp, env: { UCSPITLS: "" }, exit: 1 },
  ],
  [
    "text behind a password is not lost to the next program: the password is refused",
    `
    S: 220 mx.example ESMTP
    C: AUTH PLAIN ${right}
    C: MAIL FROM:<alice@example>
    S: 501 authup malformed auth input (#5.5.4)
    S: 530 authup authentication required (#5.7.1)
    C: QUIT
    S: 221 mx.example
    (END)`,
    { ...smtp, exit: 0 },
  ],
  [
    "a LOGIN that does not wait for its challenges is complete",
    `
    S: 220 mx.example ESMTP
    C: AUTH LOGIN
    C: ${base64("alice")}
    C: ${base64("secret")}
    S: 334 VXNlcm5hbWU6
    S: 334 UGFzc3dvcmQ6
    S: 235 welcome alice in clear
    (EOF)
    (END)`,
    { ...smtp, exit: 0 },
  ],
  [
    "a line of 12,288 octets may be an AUTH, and of 2,048 anything; one more may not",
    `
    S: 220 mx.example ESMTP
    C: AUTH PLAIN ${"A".repeat(12_288 - 13)}
    S: 501 authup malformed auth input (#5.5.4)
    C: AUTH PLAIN ${"A".repeat(12_288 - 12)}
    S: 500 authup line too long (#5.5.2)
    C: NOOP ${"x".repeat(2_048 - 7)}
    S: 250 ok
    C: NOOP ${"x".repeat(2_048 - 6)}
    S: 500 authup line too long (#5.5.2)
    C: AUTH PLAIN
    S: 334 \x20
    C: ${"A".repeat(20_000)}
    S: 500 authup line too long (#5.5.2)
    C: QUIT
    S: 221 mx.example
    (END)`.replaceAll(" \x20", " "),
    { ...smtp, exit: 0 },
  ],
] as [string, string, Scene][]) {
  test(name, () => play(dialogue, { ...scene, cuts: "whole" }));
}

test("what the password was is in no log line", () => {
  const dialogue = `
    S: 220 mx.example ESMTP
    C: AUTH PLAIN ${wrong}
    S: 535 authup authorization failed (#5.7.0)
    C: AUTH PLAIN ${base64("\0alice\0" + "guess".repeat(200))}
    S: 535 authup authorization failed (#5.7.0)
    C: AUTH PLAIN ${base64("\0z\xc3\xb6e\0guess")}
    S: 535 authup authorization failed (#5.7.0)
    C: QUIT
    S: 221 mx.example`;
  const log = [
    "authup <PID> protocol smtp",
    "authup <PID> checkpassword <PID> attempt for alice",
    "authup <PID> checkpassword <PID> failed, 4 remaining",
    "authup <PID> checkpassword cannot take so much, for alice, 3 remaining",
    "authup <PID> checkpassword <PID> attempt for z??e",
    "authup <PID> checkpassword <PID> failed, 2 remaining",
  ];
  return play(dialogue, { ...smtp, log, cuts: "whole" });
});
