/** What `-b` makes of BDAT for a server without CHUNKING; a server that has it is in chunk-passing.test.ts. */
import { test } from "node:test";
import { playInEveryCut, type Scene } from "../../../test/play-conversation.ts";

const offered: Scene = { options: { offersChunking: true } };

const hello = `S: 220 hi
     c: 220 hi
     C: EHLO c
     s: EHLO c
     S: 250-child
     S: 250 SIZE
     c: 250-child
     c: 250-SIZE
     c: 250 CHUNKING`;

const dialogues: Record<string, [Scene, string]> = {
  "several chunks are one message": [
    { ...offered, rules: ":data:X:*::\n:in_data::*::250 stored\n:noop::*::250 N" },
    `${hello}
     C: BDAT 6
     C: .one
     C: BDAT 8 LAST
     C: .two\\n.
     C: NOOP
     s: XDATA
     S: 354 go
     s: ..one
     s: ..two\\n..
     s: .
     s: NOOP
     c: 250 fixsmtpio: chunk taken (#2.0.0)
     S: 250 ok
     S: 250 ok
     c: 250 stored
     c: 250 N`,
  ],
  "a chunk without a line end gets one": [
    offered,
    `${hello}
     C: bdat 3 last
     C: abcNOOP
     s: DATA
     S: 354 go
     s: abc
     s: .
     s: NOOP
     S: 250 stored
     S: 250 ok
     c: 250 stored
     c: 250 ok`,
  ],
  "a message may be empty, and its end a chunk of its own": [
    offered,
    `${hello}
     C: BDAT 0 LAST
     C: BDAT 3
     C: a
     C: BDAT 0 LAST
     s: DATA
     S: 354 go
     s: .
     s: DATA
     S: 250 empty
     S: 354 go
     s: a
     s: .
     c: 250 empty
     c: 250 fixsmtpio: chunk taken (#2.0.0)
     S: 250 stored
     c: 250 stored`,
  ],
  "a message that the server does not want: no chunk of it becomes a request": [
    { ...offered, rules: ":data::451 GL*::451 greylisted" },
    `${hello}
     C: MAIL FROM:<>
     C: BDAT 6
     C: QUIT
     C: BDAT 6 LAST
     C: QUIT
     C: MAIL FROM:<a>
     C: BDAT 3 LAST
     C: b
     s: MAIL FROM:<>
     s: DATA
     S: 250 ok
     S: 451 GL - temporary
     s: MAIL FROM:<a>
     s: DATA
     c: 250 ok
     c: 451 greylisted
     c: 503 fixsmtpio: RSET first, the message was refused (#5.5.1)
     S: 250 ok
     S: 354 go
     s: b
     s: .
     c: 250 ok
     S: 250 stored
     c: 250 stored`,
  ],
  "a server that answers DATA with what is no refusal has not taken a message": [
    { ...offered, rules: ":data:NOOP :*::&fixsmtpio_noop" },
    `${hello}
     C: BDAT 3 LAST
     C: a
     C: NOOP
     s: NOOP DATA
     S: 250 ok
     s: NOOP
     S: 250 ok
     c: 451 fixsmtpio: server is not ready for a message (#4.3.0)
     c: 250 ok`,
  ],
  "RSET between chunks: another server, which knows of EHLO and nothing else": [
    { ...offered, rules: ":rset::*::250 flushed\n:ehlo:X:0::" },
    `S: 220 hi
     c: 220 hi
     C: EHLO c
     s: XEHLO c
     S: 250-child
     S: 250 SIZE
     c: 250-child
     c: 250-SIZE
     c: 250 CHUNKING
     C: BDAT 3
     C: a
     C: RSET
     C: NOOP
     s: DATA
     S: 354 go
     s: a
     c: 250 fixsmtpio: chunk taken (#2.0.0)
     (new server)
     S: 220 hi again
     s: XEHLO c
     S: 250 child
     s: RSET
     s: NOOP
     S: 250 ok
     S: 250 ok
     c: 250 flushed
     c: 250 ok`,
  ],
  "another server that is not willing": [
    offered,
    `${hello}
     C: BDAT 3
     C: a
     C: RSET
     s: DATA
     S: 354 go
     s: a
     c: 250 fixsmtpio: chunk taken (#2.0.0)
     (new server)
     S: 421 busy
     s: RSET
     c: 421 busy`,
  ],
  "a server that knows a password is the only one": [
    offered,
    `${hello}
     C: AUTH PLAIN xyz
     s: AUTH PLAIN xyz
     S: 235 ok
     c: 235 ok
     C: BDAT 3
     C: a
     C: RSET
     s: DATA
     S: 354 go
     s: a
     c: 250 fixsmtpio: chunk taken (#2.0.0)
     c: 421 fixsmtpio: cannot forget half a message, connect again (#4.3.0)
     (exit as the server, at once)`,
  ],
  "requests between chunks are not for the server, which would take them for lines": [
    offered,
    `${hello}
     C: BDAT 3
     C: a
     C: NOOP
     C: DATA
     C: MAIL FROM:<x>
     C: STARTTLS
     C: QUIT
     s: DATA
     S: 354 go
     s: a
     c: 250 fixsmtpio: chunk taken (#2.0.0)
     c: 250 fixsmtpio: nothing done (#2.0.0)
     c: 503 fixsmtpio: BDAT or RSET comes next (#5.5.1)
     c: 503 fixsmtpio: BDAT or RSET comes next (#5.5.1)
     c: 503 fixsmtpio: BDAT or RSET comes next (#5.5.1)
     c: 221 fixsmtpio: goodbye (#2.0.0)
     (exit as the server, at once)`,
  ],
  "a server that has had enough within a chunk: the rest is for nobody": [
    offered,
    `${hello}
     C: BDAT 6
     C: a
     s: DATA
     S: 354 go
     s: a
     S: 552 too much
     c: 552 too much
     C: b
     C: BDAT 3 LAST
     C: c
     C: RSET
     c: 503 fixsmtpio: RSET first, the message was refused (#5.5.1)
     (new server)
     S: 220 hi
     s: EHLO c
     S: 250 child
     s: RSET`,
  ],
  "a server that has had enough between chunks: the next one hears of it": [
    offered,
    `${hello}
     C: BDAT 3
     C: a
     s: DATA
     S: 354 go
     s: a
     c: 250 fixsmtpio: chunk taken (#2.0.0)
     S: 552 too much
     C: BDAT 3 LAST
     C: b
     c: 552 too much`,
  ],
  "a server that ends between chunks": [
    { ...offered, rules: ":timeout::*:16:" },
    `${hello}
     C: BDAT 3
     C: a
     s: DATA
     S: 354 go
     s: a
     c: 250 fixsmtpio: chunk taken (#2.0.0)
     S: 451 timeout
     (server ends)
     (exit 16, at once)`,
  ],
  "a client that leaves between chunks has sent no message": [
    offered,
    `${hello}
     C: BDAT 3
     C: a
     s: DATA
     S: 354 go
     s: a
     c: 250 fixsmtpio: chunk taken (#2.0.0)
     (client ends)
     S: 250 ok
     (exit as the server)`,
  ],
  "what is no BDAT could have any length": [
    offered,
    `${hello}
     C: BDAT x LAST
     C: QUIT
     c: 501 fixsmtpio: say BDAT and a size in octets (#5.5.4)
     (exit as the server, at once)`,
  ],
  "a rule against BDAT": [
    { ...offered, rules: ":bdat:NOOP :*::502 no" },
    `${hello}
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
  "where TLS comes first a chunk is for nobody": [
    { ...offered, level: "required" },
    `${hello}
     C: BDAT 6 LAST
     C: QUIT
     C: STARTTLS
     s: NOOP fixsmtpio STARTTLS FIRST BDAT 6 LAST
     s: NOOP fixsmtpio STARTTLS BEGIN STARTTLS
     S: 250 ok
     S: 250 ok
     c: 530 Must start TLS first (#5.7.0)
     c: 220 Ready to start TLS (#5.7.0)
     (TLS)
     S: 220 hi
     C: BDAT 6
     C: QUIT
     C: RSET
     s: NOOP fixsmtpio CHUNKING FIRST BDAT 6
     s: RSET
     S: 250 ok
     S: 250 ok
     c: 502 unimplemented (#5.5.1)
     c: 250 ok`,
  ],
  "strict line ends: a chunk without them is not sent": [
    { options: { offersChunking: true, strictLineEnds: true } },
    `${hello}
     C: BDAT 2
     C: a\\r\\
     s: DATA
     S: 354 go
     s: a\\r\\
     c: 250 fixsmtpio: chunk taken (#2.0.0)
     C: BDAT 1 LAST
     C: b\\
     c: 550 fixsmtpio: bare CR or LF in message (#5.6.0)
     (exit as the server, at once)`,
  ],
  "strict line ends: no message ends with a CR": [
    { options: { offersChunking: true, strictLineEnds: true } },
    `${hello}
     C: BDAT 4
     C: a
     C: \\rBDAT 0 LAST
     s: DATA
     S: 354 go
     s: a
     s: \\r\\
     c: 250 fixsmtpio: chunk taken (#2.0.0)
     c: 550 fixsmtpio: bare CR or LF in message (#5.6.0)
     (exit as the server, at once)`,
  ],
  "strict line ends: a BDAT without them has no length": [
    { options: { offersChunking: true, strictLineEnds: true } },
    `${hello}
     C: BDAT 6\\n\\
     c: 501 fixsmtpio: say BDAT and a size in octets (#5.5.4)
     (exit as the server, at once)`,
  ],
  "a server that has CHUNKING needs no help": [
    offered,
    `S: 220 hi
     c: 220 hi
     C: EHLO c
     s: EHLO c
     S: 250-child
     S: 250 CHUNKING
     c: 250-child
     c: 250 CHUNKING
     C: BDAT 3
     C: .
     s: BDAT 3
     s: .
     S: 250 ok
     c: 250 ok`,
  ],
  "nothing is offered with a refusal": [
    offered,
    `S: 220 hi
     c: 220 hi
     C: EHLO c
     s: EHLO c
     S: 502 no
     c: 502 no
     C: BDAT 6
     C: QUIT
     C: RSET
     s: NOOP fixsmtpio CHUNKING FIRST BDAT 6
     s: RSET
     S: 250 ok
     S: 250 ok
     c: 502 unimplemented (#5.5.1)
     c: 250 ok`,
  ],
};

for (const [name, [scene, dialogue]] of Object.entries(dialogues)) {
  test(name, () => playInEveryCut(dialogue, scene));
}
