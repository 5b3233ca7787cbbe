/** What `-s` does with line ends that two servers could read in two ways. */
import { test } from "node:test";
import { playInEveryCut, type Scene } from "../../../test/play-conversation.ts";
import { rules as published } from "../../system/home/fixsmtpio-rules.ts";

const dialogues: Record<string, [Scene, string]> = {
  "strict line ends: a request without them is not for the server": [
    { options: { strictLineEnds: true } },
    `S: 220 hi
     c: 220 hi
     C: NOOP
     C: MAIL FROM:<a>\\nRCPT TO:<b>
     C: RSET\\rNOOP
     C: QUIT
     s: NOOP
     s: RCPT TO:<b>
     s: QUIT
     S: 250 ok
     c: 250 ok
     c: 500 fixsmtpio: lines end with CR LF (#5.5.2)
     S: 250 ok
     S: 221 bye
     c: 250 ok
     c: 500 fixsmtpio: lines end with CR LF (#5.5.2)
     c: 221 bye`,
  ],
  "strict line ends: a message without them is not sent": [
    { options: { strictLineEnds: true }, rules: published, env: ["AUTHUP_USER"] },
    `S: 220 hi
     c: 235 ok, go ahead (#2.0.0)
     C: DATA
     s: DATA
     S: 354 go
     c: 354 go
     C: fine
     s: fine
     C: \\n\\
     c: 550 fixsmtpio: bare CR or LF in message (#5.6.0)
     (exit 0, at once)`,
  ],
  "strict line ends: a good message passes, and so does the next": [
    { options: { strictLineEnds: true } },
    `S: 220 hi
     c: 220 hi
     C: DATA
     s: DATA
     S: 354 go
     c: 354 go
     C: ..
     C: .
     C: DATA
     s: ..
     s: .
     s: DATA
     S: 250 ok
     S: 354 go
     c: 250 ok
     c: 354 go
     C: .
     s: .
     S: 250 ok
     c: 250 ok`,
  ],
};

for (const [name, [scene, dialogue]] of Object.entries(dialogues)) {
  test(name, () => playInEveryCut(dialogue, scene));
}
