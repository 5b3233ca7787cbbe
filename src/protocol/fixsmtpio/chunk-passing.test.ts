/** BDAT between a client and a server that has CHUNKING, or has not; what `-b` makes of it is in chunking.test.ts. */
import { test } from "node:test";
import { playInEveryCut, type Scene } from "../../../test/play-conversation.ts";

const dialogues: Record<string, [Scene, string]> = {
  "what follows BDAT is octets, when the server has CHUNKING": [
    { rules: ":noop:X:*::250 N\n:bdat::*::250 stored" },
    `S: 220 hi
     c: 220 hi
     C: EHLO c
     s: EHLO c
     S: 250-child
     S: 250 CHUNKING
     c: 250-child
     c: 250 CHUNKING
     C: BDAT 12
     C: NOOP
     C: NOOP
     C: bdat 6 last
     C: NOOP
     C: NOOP
     s: BDAT 12
     s: NOOP
     s: NOOP
     s: bdat 6 last
     s: NOOP
     s: XNOOP
     S: 250 ok
     S: 250 ok
     S: 250 ok
     c: 250 stored
     c: 250 stored
     c: 250 N`,
  ],
  "whether a BDAT has octets is known before it is heard": [
    { rules: ":auth:NOOP :*::502 no" },
    `S: 220 hi
     c: 220 hi
     C: EHLO c
     C: BDAT 11 LAST
     C: NOOP
     C: aaaAUTH x
     s: EHLO c
     S: 250 CHUNKING
     s: BDAT 11 LAST
     s: NOOP
     s: aaaAUTH x
     c: 250 CHUNKING`,
  ],
  "a BDAT that servers could read otherwise has no length": [
    {},
    `S: 220 hi
     c: 220 hi
     C: EHLO c
     s: EHLO c
     S: 250 CHUNKING
     c: 250 CHUNKING
     C: BDAT 0x0B LAST
     C: NOOP
     c: 501 fixsmtpio: say BDAT and a size in octets (#5.5.4)
     (exit as the server, at once)`,
  ],
  "a chunk that is not for the server is for nobody": [
    { rules: ":bdat:NOOP :*::502 no" },
    `S: 220 hi
     c: 220 hi
     C: EHLO c
     s: EHLO c
     S: 250-child
     S: 250-CHUNKING
     S: 250 SIZE
     c: 250-child
     c: 250-CHUNKING
     c: 250 SIZE
     C: BDAT 6 LAST
     C: QUIT
     C: RSET
     s: NOOP BDAT 6 LAST
     s: RSET
     S: 250 ok
     S: 250 ok
     c: 502 no
     c: 250 ok`,
  ],
  "a chunk that no server offered to take is for nobody: some would obey BDAT all the same": [
    { rules: ":bdat:X:5*::503 ruled\n:auth:NOOP :*::502 no" },
    `S: 220 hi
     c: 220 hi
     C: HELO c
     s: HELO c
     S: 250 child
     c: 250 child
     C: BDAT 8 LAST
     C: AUTH x
     C: NOOP
     s: NOOP fixsmtpio CHUNKING FIRST XBDAT 8 LAST
     s: NOOP
     S: 250 ok
     S: 250 ok
     c: 503 ruled
     c: 250 ok`,
  ],
  "who says HELO gives up what EHLO offered": [
    {},
    `S: 220 hi
     c: 220 hi
     C: EHLO c
     s: EHLO c
     S: 250 CHUNKING
     c: 250 CHUNKING
     C: HELO c
     C: BDAT 6
     C: NOOP
     C: NOOP
     s: HELO c
     s: NOOP fixsmtpio CHUNKING FIRST BDAT 6
     s: NOOP
     S: 250 child
     S: 250 ok
     S: 250 ok
     c: 250 child
     c: 502 unimplemented (#5.5.1)
     c: 250 ok`,
  ],
  "a chunk longer than some servers can count": [
    {},
    `S: 220 hi
     c: 220 hi
     C: EHLO c
     s: EHLO c
     S: 250 CHUNKING
     c: 250 CHUNKING
     C: BDAT 4294967297
     C: NOOP
     c: 501 fixsmtpio: say BDAT and a size in octets (#5.5.4)
     (exit as the server, at once)`,
  ],
  "a BDAT in blanks that only some servers take for one": [
    {},
    `S: 220 hi
     c: 220 hi
     C: BDAT\t6 LAST
     C: NOOP
     c: 501 fixsmtpio: say BDAT and a size in octets (#5.5.4)
     (exit as the server, at once)`,
  ],
  "a BDAT behind blanks that only some servers take for one": [
    {},
    `S: 220 hi
     c: 220 hi
     C:  BDAT 6 LAST
     C: NOOP
     c: 501 fixsmtpio: say BDAT and a size in octets (#5.5.4)
     (exit as the server, at once)`,
  ],
};

for (const [name, [scene, dialogue]] of Object.entries(dialogues)) {
  test(name, () => playInEveryCut(dialogue, scene));
}
