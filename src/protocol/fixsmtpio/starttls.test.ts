/** STARTTLS between a client and a server that knows nothing of it. */
import { test } from "node:test";
import { playInEveryCut, type Scene } from "../../../test/play-conversation.ts";
import { rules as published } from "../../system/home/fixsmtpio-rules.ts";

const dialogues: Record<string, [Scene, string]> = {
  "STARTTLS: the server sees NOOP, the rules nothing, and the second greeting is for nobody": [
    { level: "required", rules: ":starttls:YY :*:9:250 changed\n:mail::530*::550 custom" },
    `S: 220 hi
     c: 220 hi
     C: MAIL FROM:<>
     s: NOOP fixsmtpio STARTTLS FIRST MAIL FROM:<>
     S: 250 ok
     c: 550 custom
     C: rset
     s: NOOP fixsmtpio STARTTLS FIRST rset
     S: 250 ok
     c: 530 Must start TLS first (#5.7.0)
     C: STARTTLS
     s: NOOP fixsmtpio STARTTLS BEGIN YY STARTTLS
     S: 250 ok
     c: 220 Ready to start TLS (#5.7.0)
     (TLS)
     S: 220 hi again
     C: MAIL FROM:<>
     s: MAIL FROM:<>
     S: 250 ok
     c: 250 ok
     C: STARTTLS
     s: NOOP fixsmtpio STARTTLS BLOCK YY STARTTLS
     S: 250 ok
     c: 502 unimplemented (#5.5.1)`,
  ],
  "what is sent in clear behind STARTTLS never executes": [
    { level: "available", rules: published },
    `S: 220 hi
     c: 220 mail.example.org ESMTP
     C: NOOP
     C: STARTTLS
     C: MAIL FROM:<mallory>
     C: RCPT TO:\\
     s: NOOP
     s: NOOP fixsmtpio STARTTLS BEGIN STARTTLS
     S: 250 ok
     S: 250 ok
     S: 421 late words of the old server
     c: 250 ok
     c: 220 Ready to start TLS (#5.7.0)
     (TLS)
     S: 220 hi again
     C: RSET
     s: RSET
     S: 250 flushed
     c: 250 flushed`,
  ],
  "in TLS a client may say DATA before the second greeting is there": [
    { level: "available", rules: published },
    `S: 220 hi
     c: 220 mail.example.org ESMTP
     C: STARTTLS
     s: NOOP fixsmtpio STARTTLS BEGIN STARTTLS
     S: 250 ok
     c: 220 Ready to start TLS (#5.7.0)
     (TLS)
     C: DATA
     s: DATA
     S: 220 hi again
     S: 503 MAIL first
     c: 503 MAIL first
     C: QUIT
     s: QUIT
     S: 221 bye
     c: 221 mail.example.org`,
  ],
  "the server's second greeting is shown when it is bad news": [
    { level: "available", rules: published },
    `S: 220 hi
     c: 220 mail.example.org ESMTP
     C: STARTTLS
     s: NOOP fixsmtpio STARTTLS BEGIN STARTTLS
     S: 250 ok
     c: 220 Ready to start TLS (#5.7.0)
     (TLS)
     S: 421 busy
     c: 421 busy`,
  ],
};

for (const [name, [scene, dialogue]] of Object.entries(dialogues)) {
  test(name, () => playInEveryCut(dialogue, scene));
}
