import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { play, type Scene } from "../../../test/play.ts";
import { playSession } from "../../protocol/fixsmtpio/player.ts";
import { parseRules } from "../../protocol/fixsmtpio/rule.ts";
import { RuleSet } from "../../protocol/fixsmtpio/rule-set.ts";
import { formatSession, parseSession } from "../../protocol/fixsmtpio/session-file.ts";
import { redacted } from "../../protocol/fixsmtpio/visible.ts";
import { Killed, type Program, type System } from "../../system/system.ts";
import { main } from "./main.ts";

/** A server that answers each line by its first word. Asked for ENV it says which of some variables it has. */
const server: Program = async (words, system: System) => {
  const say = (text: string) => system.output(1).write(Buffer.from(text, "latin1"));
  const names = ["UCSPITLS", "DISABLETLS", "FIXSMTPIOTLS", "SSL_PROTOCOL"];
  const set = names.filter((name) => system.env.has(name)).join(" ");
  await say(`220 ${words.join(" ")}\r\n`);
  let pending = "";
  let inMessage = false;
  for (;;) {
    const chunk = await system.input(0).read();
    if (chunk === null) return 1;
    const lines = (pending + Buffer.from(chunk).toString("latin1")).split("\n");
    pending = lines.pop() ?? "";
    let replies = "";
    for (const line of lines.map((each) => each.replace(/\r$/, ""))) {
      const verb = line.split(" ", 1)[0]!.toUpperCase();
      if (inMessage) {
        if (line !== ".") continue;
        inMessage = false;
        replies += "250 accepted\r\n";
      } else if (verb === "DATA") {
        inMessage = true;
        replies += "354 go ahead\r\n";
      } else if (verb === "CRASH") throw new Killed("SIGSEGV");
      else if (verb === "EHLO") replies += "250-child\r\n250 SIZE\r\n";
      else replies += `250 ${verb === "ENV" ? set : verb}\r\n`;
      if (verb === "QUIT") {
        await say(replies);
        return 0;
      }
    }
    if (replies !== "") await say(replies);
  }
};

const programs = { fixsmtpio: main, server };
const scene: Scene = {
  programs,
  argv: ["fixsmtpio", "server", "-x"],
  files: { "control/me": "mail.example.org\n" },
};
const fixups = ":greeting::2*::&fixsmtpio_fixup\n:ehlo::2*::&fixsmtpio_fixup\n";
const withRules = (rules: string): Scene => ({
  ...scene,
  files: { "control/me": "mail.example.org\n", "control/fixsmtpio": rules },
});

test("a session ends as its server ends", async () => {
  await play("S: 220 -x\nC: NOOP\nC: QUIT\nS: 250 NOOP\nS: 250 QUIT\n(END)", { ...scene, exit: 0, log: [] });
  await play("S: 220 -x\nC: NOOP\nS: 250 NOOP\n(EOF)\n(END)", { ...scene, exit: 1, log: [] });
});

test("a rule decides how it ends", async () => {
  const rules = withRules(":clienteof::*:0:\n:vrfy::*:9:252 no\n");
  await play("S: 220 -x\n(EOF)\n(END)", { ...rules, exit: 0 });
  await play("S: 220 -x\nC: VRFY x\nS: 252 no\n(END)", { ...rules, exit: 9 });
});

test("a server that crashed is told apart, also from a rule", async () => {
  await play("S: 220 -x\nC: CRASH\n(END)", {
    ...withRules(":crash::*:0:\n"),
    exit: 1,
    log: ["fixsmtpio: aack, child crashed"],
  });
});

test("a message goes through as it is, and what follows it is requests again", async () => {
  const dialogue = `
    S: 220 -x
    C: DATA
    C: NOOP
    C: ..
    C: .
    C: NOOP
    S: 354 go ahead
    S: 250 stored
    S: 250 N
    C: QUIT
    S: 250 QUIT
    (END)`;
  await play(dialogue, { ...withRules(":noop:X:*::250 N\n:in_data::*::250 stored\n"), exit: 0, log: [] });
});

test("TLS: another server, which knows nothing of what was before", async () => {
  const dialogue = `
    S: 220 mail.example.org ESMTP
    C: EHLO c
    S: 250-mail.example.org
    S: 250-STARTTLS
    S: 250 SIZE
    C: NOOP
    C: STARTTLS
    S: 250 NOOP
    S: 220 Ready to start TLS (#5.7.0)
    (TLS)
    C: EHLO c
    S: 250-mail.example.org
    S: 250 SIZE
    C: QUIT
    S: 250 QUIT
    (END)`;
  await play(dialogue, { ...withRules(fixups), env: { UCSPITLS: "" }, exit: 0, log: [] });
});

test("a server that made way for one in TLS leaves no descriptor open", async () => {
  const script = "printf '220 hi\\r\\n'; while read line; do printf '250 ok\\r\\n'; done";
  const dialogue = `
    S: 220 hi
    C: STARTTLS
    S: 220 Ready to start TLS (#5.7.0)
    (TLS)
    C: NOOP
    S: 250 ok`;
  const foreign: Scene = {
    ...scene,
    argv: ["fixsmtpio", "sh", "-c", script],
    env: { UCSPITLS: "" },
    cuts: "whole",
  };
  const open = () => readdirSync("/proc/self/fd").length;
  await play(dialogue, foreign);
  const before = open();
  for (let session = 0; session < 5; session++) await play(dialogue, foreign);
  assert.ok(open() < before + 3, `${before} descriptors, then ${open()}`);
});

test("the server within TLS sees what was agreed upon, and no offer of TLS", async () => {
  const dialogue = `
    S: 220 -x
    C: STARTTLS
    S: 220 Ready to start TLS (#5.7.0)
    (TLS)
    C: ENV
    S: 250 FIXSMTPIOTLS SSL_PROTOCOL`;
  await play(dialogue, { ...scene, env: { UCSPITLS: "!" } });
  await play("S: 220 -x\nC: ENV\nS: 250 ", { ...scene, env: { UCSPITLS: "", DISABLETLS: "" } });
});

test("a handshake that fails ends the session", async () => {
  await play("S: 220 -x\nC: STARTTLS\nS: 220 Ready to start TLS (#5.7.0)\n(END)", {
    ...scene,
    env: { UCSPITLS: "" },
    tls: null,
    exit: 1,
    log: ["fixsmtpio: TLS temporarily not available"],
  });
});

test("without offer STARTTLS is unimplemented", async () => {
  for (const env of [{ UCSPITLS: "-" }, { UCSPITLS: "!", DISABLETLS: "" }, {}]) {
    await play("S: 220 -x\nC: STARTTLS\nS: 502 unimplemented (#5.5.1)\nC: QUIT\nS: 250 QUIT\n(END)", {
      ...scene,
      env,
      cuts: "whole",
    });
  }
});

test("NOFIXSMTPIO: as if it were not there", async () => {
  await play("S: 220 -x\nC: ENV\nC: QUIT\nS: 250 UCSPITLS\nS: 250 QUIT\n(END)", {
    ...withRules("nonsense"),
    env: { NOFIXSMTPIO: "", UCSPITLS: "" },
    exit: 0,
    log: [],
  });
  await play("(END)", {
    ...scene,
    argv: ["fixsmtpio", "no-such-program"],
    env: { NOFIXSMTPIO: "" },
    exit: 111,
    log: ["fixsmtpio: unable to run no-such-program: file does not exist"],
  });
});

test("BDAT for a server that has DATA alone, which is another one after RSET", async () => {
  const dialogue = `
    S: 220 -x
    C: EHLO c
    S: 250-child
    S: 250-SIZE
    S: 250 CHUNKING
    C: BDAT 3
    C: a
    C: RSET
    C: BDAT 3 LAST
    C: .
    C: QUIT
    S: 250 fixsmtpio: chunk taken (#2.0.0)
    S: 250 RSET
    S: 250 accepted
    S: 250 QUIT
    (END)`;
  await play(dialogue, { ...scene, argv: ["fixsmtpio", "-b", "server", "-x"], exit: 0, log: [] });
});

test("what is wrong before a session starts", async () => {
  await play("(END)", {
    ...scene,
    argv: ["fixsmtpio"],
    exit: 1,
    log: ["fixsmtpio: usage: fixsmtpio [ -bhs ] [ -l octets ] [ -n commands ] prog [ arg ... ]"],
  });
  await play("(END)", { ...scene, files: {}, exit: 1, log: ["fixsmtpio: unable to read controls"] });
  await play("(END)", {
    ...scene,
    argv: ["fixsmtpio", "no-such-program"],
    exit: 1,
    log: ["fixsmtpio: unable to exec"],
  });
  await play("(END)", {
    ...withRules(":noop::*:14abc:\n# fine\n::x:*::\n"),
    exit: 18,
    log: [
      'fixsmtpio: control/fixsmtpio:1:10: exit code must be 0 to 255, not "14abc"',
      "fixsmtpio: control/fixsmtpio:3:2: the event is missing",
      "fixsmtpio: unable to parse control/fixsmtpio",
    ],
  });
});

test("debug lines are one event each, printable, and keep secrets", async () => {
  await play("S: 220 -x\nC: AUTH PLAIN c2VjcmV0\nS: 535 \x01o\nC: QUIT\nS: 250 QUIT\n(END)", {
    ...withRules(":auth:NOOP :*::535 \x01o\n"),
    env: { FIXSMTPIODEBUG: "" },
    cuts: "whole",
    log: [
      "fixsmtpio <PID> server <PID> 3: 220 -x\\r\\n",
      "fixsmtpio <PID> server <PID> 4: 220 -x\\r\\n",
      "fixsmtpio <PID> server <PID> 1: AUTH ********\\r\\n",
      "fixsmtpio <PID> server <PID> 2: NOOP AUTH ********\\r\\n",
      "fixsmtpio <PID> server <PID> 3: 250 NOOP\\r\\n",
      "fixsmtpio <PID> server <PID> 4: 535 \\x01o\\r\\n",
      "fixsmtpio <PID> server <PID> 1: QUIT\\r\\n",
      "fixsmtpio <PID> server <PID> 2: QUIT\\r\\n",
      "fixsmtpio <PID> server <PID> 3: 250 QUIT\\r\\n",
      "fixsmtpio <PID> server <PID> 4: 250 QUIT\\r\\n",
    ],
  });
});

test("a session is recorded without its secrets and messages, and plays again", async () => {
  const rules = "AUTHUP_USER:auth:NOOP :*::502 no\nTEST:noop::*::250 N\n:in_data::*:5:250 stored\n";
  const dialogue = `
    S: 220 -x
    C: AUTH PLAIN c2VjcmV0
    S: 502 no
    C: NOOP
    S: 250 N
    C: DATA
    S: 354 go ahead
    C: Subject: for bob alone
    C: .
    S: 250 stored
    (END)`;
  await play(dialogue, {
    ...withRules(rules),
    env: { AUTHUP_USER: "alice", TEST: "private", ACCEPTUTILS_RECORD: "." },
    cuts: "whole",
    exit: 5,
    after: (home) => {
      const [name = ""] = readdirSync(home).filter((file) => file.endsWith(".session"));
      assert.match(name, /^[0-9]{8}T[0-9]{6}Z-[0-9]+\.session$/);
      const text = readFileSync(join(home, name), "latin1");
      assert.equal(
        text,
        `env AUTHUP_USER
env TEST
greeting mail.example.org

S: 220 -x
c: 220 -x
C: AUTH ********
s: NOOP AUTH ********
S: 250 NOOP
c: 502 no
C: NOOP
s: NOOP
S: 250 NOOP
c: 250 N
C: DATA
s: DATA
S: 354 go ahead
c: 354 go ahead
C: (a message of 27 octets)
C: .
s: (a message of 27 octets)
s: .
S: 250 accepted
c: 250 stored
(server ends 1)
(exit 5)
`,
      );
      const again = playSession(parseSession(text), new RuleSet(parseRules(rules).rules));
      assert.equal(formatSession(again), text);
    },
  });
});

test("what other rules would change is told, and nothing is changed", async () => {
  const scene = withRules(":noop::*::250 N\n:quit::*::&fixsmtpio_noop\n");
  const shadow = ":noop:X:*::250 M\n:quit::*:9:&fixsmtpio_noop\n:rset::*::250 R\n";
  await play("S: 220 -x\nC: NOOP\nC: RSET\nC: QUIT\nS: 250 N\nS: 250 RSET\nS: 250 QUIT\n(END)", {
    ...scene,
    files: { ...scene.files, "control/new": shadow },
    env: { ACCEPTUTILS_SHADOW: "control/new" },
    cuts: "whole",
    exit: 0,
    log: [
      'fixsmtpio <PID> shadow noop: request "NOOP\\r\\n" would be "XNOOP\\r\\n"',
      'fixsmtpio <PID> shadow noop: reply "250 N\\r\\n" to "250 NOOP\\r\\n" would be "250 M\\r\\n" (line 1)',
      'fixsmtpio <PID> shadow rset: reply "250 RSET\\r\\n" to "250 RSET\\r\\n" would be "250 R\\r\\n" (line 3)',
      "fixsmtpio <PID> shadow quit: exit code none would be 9 (line 2)",
    ],
  });
  await play("S: 220 -x\nC: QUIT\nS: 250 QUIT\n(END)", {
    ...scene,
    env: { ACCEPTUTILS_SHADOW: "control/none" },
    cuts: "whole",
    exit: 0,
    log: ["fixsmtpio: no shadow: unable to open control/none: file does not exist"],
  });
});

for (const [line, shown] of [
  ["AUTH PLAIN abc\r\n", "AUTH ********\r\n"],
  ["auth\tx\r\n", "********\r\n"],
  ["AUTH\r\n", "AUTH********\r\n"],
  ["c2VjcmV0\n", "********\n"],
  ["authentic secret\r\n", "********\r\n"],
] as const) {
  test(`of ${JSON.stringify(line)} the log gets ${JSON.stringify(shown)}`, () => {
    assert.equal(redacted(line), shown);
  });
}
