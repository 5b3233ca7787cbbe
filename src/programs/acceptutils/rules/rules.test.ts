import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readFileCached } from "../../../system/files.ts";
import { rules as published } from "../../../system/home/fixsmtpio-rules.ts";
import { Pipe } from "../../../system/pipe.ts";
import { type Child, Closed, type System } from "../../../system/system.ts";
import { Command, Misused, Problem } from "../verb.ts";
import { rules } from "./rules.ts";

const folder = mkdtempSync(join(tmpdir(), "acceptutils-rules."));
after(() => rmSync(folder, { recursive: true }));
const examples = join(import.meta.dirname, "../../../../examples/fixsmtpio");

const put = (name: string, text: string) => writeFileSync(join(folder, name), text);

/** What `acceptutils rules WORDS` says, typed in `folder`, with a server that answers every request. */
async function told(words: readonly string[], answer = (line: string) => `250 ${line}\r\n`) {
  let out = "";
  const ran: { argv?: readonly string[]; env: Map<string, string> } = { env: new Map() };
  const system: Partial<System> = {
    env: ran.env.set("ACCEPTUTILS_STARTED_IN", folder),
    cwd: () => "/",
    readFile: async (path) => readFileCached(path),
    output: () => ({
      write: (bytes) => {
        out += Buffer.from(bytes).toString();
        return undefined;
      },
      flush: async () => {},
      close: () => {},
    }),
    log: (line) => {
      out += `${line}\n`;
    },
    sleep: () => Object.assign(Promise.resolve(), { cancel: () => {} }),
    exec: async (argv) => {
      ran.argv = argv;
      return 7;
    },
    spawn: async () => {
      const replies = new Pipe();
      void replies.write(Buffer.from("220 child ESMTP\r\n"));
      return {
        pid: 1,
        input: () => replies.reader,
        output: () => ({
          write: (bytes) => {
            const text = answer(Buffer.from(bytes).toString().trim());
            if (text === "") throw new Closed();
            return replies.write(Buffer.from(text));
          },
          flush: async () => {},
          close: () => {},
        }),
        wait: async () => ({ code: 0 }),
        kill: () => {},
      } satisfies Child;
    },
  };
  const code = await rules.run(words, new Command(system as System));
  return { code, out, ran };
}

test("the example rules are those of a new home, and pass their own tests", async () => {
  assert.equal(readFileSync(join(examples, "fixsmtpio"), "latin1"), published);
  const { code, out } = await told(["test", examples]);
  assert.match(out, /\n6 sessions, 0 failed\n$/);
  assert.equal(code, 0);
});

test("check: every error with its place, and what is odd", async () => {
  put("bad", ":noop::*:14abc:\n:foo::*::250 x\nnonsense\n");
  const { code, out } = await told(["check", "bad"]);
  assert.equal(
    out,
    `bad: error: STARTTLS is never advertised without :ehlo::2*::&fixsmtpio_fixup
bad: warning: FIXSMTPIOTLS:greeting::2*:: is missing: the original would greet twice
bad:1:10: error: exit code must be 0 to 255, not "14abc"
bad:2: warning: "foo" is no event of SMTP: this rule never fires
bad:3:9: error: a rule has six fields, env:event:prepend:glob:exitcode:response, not 1 field
bad: 1 rule, 5 to look at
`,
  );
  assert.equal(code, 1);
});

test("check: the run script tells what is needed, and which variables there are", async () => {
  const run = join(examples, "../run");
  const fine = join(examples, "fixsmtpio");
  for (const service of ["smtp", "submission"]) {
    const { code, out } = await told(["check", fine, "--run-script", join(run, service)]);
    assert.equal(out, `${fine}: 15 rules, nothing to remark\n`);
    assert.equal(code, 0);
  }
  put("odd", ":ehlo::2*::&fixsmtpio_fixup\nFIXSMTPIOTLS:greeting::2*::\nFOO:noop::5*::550 x\n");
  put("run", "#!/bin/sh\nexec env UCSPITLS='' sslserver 0 25 fixsmtpio qmail-smtpd\n");
  const { out } = await told(["check", "odd", "--run-script", "run", "--json"]);
  assert.deepEqual(JSON.parse(out), {
    file: "odd",
    rules: 3,
    findings: [
      {
        line: 3,
        level: "warning",
        text: "nothing in the run script sets FOO: this rule never applies",
      },
    ],
  });
});

test("check: against what a server really says", async () => {
  put("rules", `${published}:ehlo::250?CHUNKING*::\n:greeting::220 postfix*::220 x\n`);
  const { out } = await told(["check", "rules", "--child", "qmail-smtpd"]);
  assert.match(out, /:30: warning: "250\?CHUNKING\*" matches no line that qmail-smtpd says to ehlo\n/);
  assert.match(out, /:31: warning: "220 postfix\*" matches no line that qmail-smtpd says to greeting\n/);
});

test("explain: which rule did what, and which exit code won", async () => {
  put("rules", ":noop:NOOP :2*:5:250 a\n:noop::250 *:6:250 b\n:noop::250-x*::&fixsmtpio_noop\n");
  const words = ["explain", "--rules", "rules", "--event", "noop", "--reply", "250-x", "--reply", "250 y"];
  const { out } = await told(words);
  assert.equal(
    out,
    `event noop
S: 250-x
   rules:1: :noop:NOOP :2*:5:250 a
      makes it 250 a, exit code 5
   rules:3: :noop::250-x*::&fixsmtpio_noop
      leaves it
S: 250 y
   rules:1: :noop:NOOP :2*:5:250 a
      makes it 250 a, exit code 5 (overridden by line 2)
   rules:2: :noop::250 *:6:250 b
      makes it 250 b, exit code 6
c: 250-a
c: 250 b
exit code 6, by rules:2, the last one given; before it 5 by line 1, 5 by line 1
`,
  );
});

test("explain: a variable, and a real server", async () => {
  const rulesFile = join(examples, "fixsmtpio");
  const words = ["explain", "--rules", rulesFile, "--event", "greeting", "--env", "AUTHUP_USER=alice"];
  const { out } = await told([...words, "--child", "ofmipd"]);
  assert.match(out, /^event greeting\nS: 220 child ESMTP\n/);
  assert.match(out, /\nc: 235 ok, go ahead \(#2\.0\.0\)\n$/);
});

test("explain: the server is asked what fixsmtpio would ask it", async () => {
  const words = ["explain", "--rules", join(examples, "fixsmtpio"), "--env", "AUTHUP_USER=alice"];
  const { out } = await told([...words, "--event", "auth", "--child", "ofmipd"]);
  assert.match(out, /^event auth\nS: 250 NOOP AUTH\n[\s\S]*\nc: 502 unimplemented \(#5\.5\.1\)\n$/);
});

test("explain: events that no request is", async () => {
  put("rules", ":timeout::*:16:\n:clienteof::*:7:\n:in_data::2*::250 stored\n:data::*::354 b\n");
  const told1 = async (...words: string[]) => (await told(["explain", "--rules", "rules", ...words])).out;
  assert.equal(
    await told1("--event", "timeout", "--reply", "451 x"),
    "event timeout\nS: 451 x\n   rules:1: :timeout::*:16:\n      deletes it, exit code 16\n" +
      "c: (nothing)\nexit code 16, by rules:1\n",
  );
  assert.equal(
    await told1("--event", "CLIENTEOF"),
    "event clienteof\n   rules:2: :clienteof::*:7:\n      applies, exit code 7\nexit code 7, by rules:2\n",
  );
  assert.equal(
    await told1("--event", "in_data", "--reply", "250 ok"),
    "event in_data\nS: 250 ok\n   rules:3: :in_data::2*::250 stored\n      makes it 250 stored\nc: 250 stored\n",
  );
  assert.match(await told1("--event", "timeout", "--child", "x"), /no server can be asked for timeout/);
});

test("test: a session that goes otherwise is shown, and is exit code 1", async () => {
  put("fixsmtpio", ":noop::*::250 changed\n");
  put("one.session", "S: 220 x\nc: 220 x\nC: NOOP\nS: 250 ok\nc: 250 ok\n(exit 0)\n(server ends 0)\n");
  const { code, out } = await told(["test", "."]);
  assert.match(
    out,
    /^FAILED one\n[\s\S]*\+ c: 250 changed\n[\s\S]*- c: 250 ok\n[\s\S]*1 session, 1 failed\n$/,
  );
  assert.equal(code, 1);
});

test("replay: only what would change is told", async () => {
  put("same", ":noop::5*::x\n");
  put("other", ":noop:X:*::&fixsmtpio_noop\n");
  put("two.session", "S: 220 x\nc: 220 x\nC: NOOP\ns: NOOP\nS: 250 ok\nc: 250 ok\n");
  assert.deepEqual(
    [await told(["replay", "two.session", "--rules", "same"])].map(({ code, out }) => [code, out]),
    [[0, "1 session, 0 would change\n"]],
  );
  const { code, out } = await told(["replay", "two.session", "--rules", "other"]);
  assert.match(out, /\+ s: XNOOP\n[\s\S]*- s: NOOP\n[\s\S]*\(the server would be asked something else/);
  assert.equal(code, 1);
});

test("record and shadow run the chain, and tell fixsmtpio in its environment", async () => {
  const recorded = await told(["record", "sessions", "fixsmtpio", "-h", "ofmipd"]);
  assert.equal(recorded.code, 7);
  assert.deepEqual(recorded.ran.argv, ["fixsmtpio", "-h", "ofmipd"]);
  assert.equal(recorded.ran.env.get("ACCEPTUTILS_RECORD"), join(folder, "sessions"));
  put("new", ":noop::*::250 x\n");
  const shadowed = await told(["shadow", "new", "fixsmtpio", "ofmipd"]);
  assert.equal(shadowed.ran.env.get("ACCEPTUTILS_SHADOW"), join(folder, "new"));
});

test("what is missing or wrong is one line", async () => {
  put("bad", "nonsense\n");
  await assert.rejects(told(["test", folder, "--rules", "bad"]), Problem);
  await assert.rejects(told(["explain", "--rules", "nowhere", "x.session"]), Problem);
  await assert.rejects(told(["shadow", "bad", "fixsmtpio"]), Problem);
  await assert.rejects(told(["nothing"]), Misused);
  assert.equal((await told(["record"])).code, 2);
  assert.equal((await told(["check", "a", "b"])).code, 2);
  assert.match((await told(["explain", "--help"])).out, /^usage: acceptutils rules explain /);
});
