import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Entry } from "../../auth/penalty.ts";
import { writePenalties } from "../../system/home/penalties.ts";
import type { Input, Output, System } from "../../system/system.ts";
import { programNames } from "../table.ts";
import { main, verbs } from "./main.ts";

const folder = mkdtempSync(join(tmpdir(), "acceptutils-"));
after(() => rmSync(folder, { recursive: true }));

interface Said {
  readonly code: number;
  readonly out: string;
  readonly log: string;
}

/** What the command answers to `words`, typed in `folder`, with `typed` on descriptor 0. */
async function acceptutils(words: readonly string[], typed = ""): Promise<Said> {
  let [out, log] = ["", ""];
  const chunks = [Buffer.from(typed), null].filter((chunk) => chunk?.length !== 0);
  const input: Input = { read: async () => chunks.shift() ?? null, close: () => {} };
  const output: Output = {
    write: (bytes) => {
      out += Buffer.from(bytes).toString();
      return undefined;
    },
    flush: async () => {},
    close: () => {},
  };
  const system: Partial<System> = {
    env: new Map([["ACCEPTUTILS_STARTED_IN", folder]]),
    cwd: () => "/",
    input: () => input,
    output: () => output,
    log: (line) => {
      log += line + "\n";
    },
  };
  const code = await main(words, system as System);
  return { code, out, log };
}

test("without a verb, the verbs are listed and it is a misuse", async () => {
  const { code, out } = await acceptutils([]);
  assert.equal(code, 2);
  for (const name of verbs.keys()) assert.match(out, new RegExp(`^ {2}${name} `, "m"));
  assert.equal((await acceptutils(["--help"])).code, 0);
});

test("every verb explains itself", async () => {
  for (const [name, { does, synopsis, options }] of verbs) {
    const { code, out } = await acceptutils([name, "--help"]);
    assert.equal(code, 0);
    assert.ok(out.startsWith(`usage: acceptutils ${name} ${verbs.get(name)?.synopsis}\n${does}\n`), out);
    // What stands in a synopsis is one of the lines below, if there are any.
    const named = [...(options?.keys() ?? [])];
    assert.deepEqual(
      [...out.matchAll(/^ {2}(\S.*?) {2}/gm)].map(([, option]) => option),
      named,
    );
    if (named.length > 0) {
      for (const [option] of synopsis.matchAll(/--[a-z-]+/g))
        assert.ok(out.includes(`  ${option}`) || option === "--home");
    }
  }
});

test("words that make no sense are one line, the usage, and exit code 2", async () => {
  for (const [words, line] of [
    [["frobnicate"], 'there is no verb "frobnicate"; acceptutils --help lists them'],
    [["install"], "DIR is missing"],
    [["up", "h", "--host", "vm"], '--host wants a whole host name such as mail.example.org, not "vm"'],
    [["init", "a", "b"], '"b" is one word too many'],
    [["init", "a", "--colour"], 'Unknown option "--colour"'],
    [["init", "a", "--host", "vm"], '--host wants a whole host name such as mail.example.org, not "vm"'],
    [["init", "a", "--port-base", "99999"], '--port-base wants a number from 0 to 64540, not "99999"'],
    [["init", "a", "--port-base", "-5"], '--port-base wants a number from 0 to 64540, not "-5"'],
    [["up", "--port-base", "-5"], '--port-base wants a number from 0 to 64540, not "-5"'],
    [["init", "a", "--bind", "here"], '--bind wants an address, or 0 for all, not "here"'],
    [["user"], "add, del, list or passwd?"],
    [["user", "list", "x", "--home", "h"], '"x" is one word too many'],
    [["penalty", "strike", "--home", "h"], "penalty strike?"],
  ] as const) {
    const { code, log } = await acceptutils(words);
    assert.equal(code, 2, words.join(" "));
    assert.equal(log.split("\n")[0], `acceptutils: ${line}`);
  }
  assert.equal(existsSync(join(folder, "a")), false);
});

test("install writes a launcher for every program, and leaves alone what is not ours", async () => {
  const first = await acceptutils(["install", "bin"]);
  assert.deepEqual(first, {
    code: 0,
    out: `${programNames.length} programs are in ${folder}/bin\n`,
    log: "",
  });
  assert.deepEqual(readdirSync(join(folder, "bin")).sort(), [...programNames].sort());
  writeFileSync(join(folder, "bin", "checknotroot"), "#!/bin/sh\necho somebody else's\n");
  const second = await acceptutils(["install", "bin", "--json"]);
  assert.equal(second.code, 1);
  assert.deepEqual(JSON.parse(second.out).leftAlone, [join(folder, "bin", "checknotroot")]);
});

test("a place where no folder can be is one line that says what to do", async () => {
  for (const words of [
    ["install", "/proc/none"],
    ["init", "/proc/none"],
  ]) {
    const { code, log } = await acceptutils(words);
    assert.equal(code, 1);
    assert.match(log, /^acceptutils: \/proc\/none: .*name another folder\n$/);
  }
});

test("users come and go", async () => {
  assert.equal((await acceptutils(["init", "h", "--host", "mail.example.org"])).code, 0);
  const user = (words: string, typed?: string) =>
    acceptutils(["user", ...words.split(" "), "--home", "h"], typed);
  assert.match((await user("list")).out, /^alice .*\nbob .*\n$/);
  const made = await user("add carol --generate --json");
  assert.match(JSON.parse(made.out).password, /^([a-z2-9]{4}-){3}[a-z2-9]{4}$/);
  assert.equal((await user("add carol --generate")).code, 1);
  assert.equal((await user("passwd carol", "my own\r\n")).out, "carol has a new password\n");
  for (const typed of ["", "\n", "\r\n"]) {
    assert.deepEqual(await user("passwd carol", typed), {
      code: 1,
      out: "",
      log: "acceptutils: the password on standard input is empty; --generate makes one up\n",
    });
  }
  assert.match((await user("del carol")).out, /^carol was removed; the mail is still in /);
  assert.deepEqual(await user("del carol"), {
    code: 1,
    out: "",
    log: "acceptutils: there is no user carol\n",
  });
});

test("who failed to log in is shown, and can be forgiven", async () => {
  const penalty = (words: string) => acceptutils(["penalty", ...words.split(" "), "--home", "h"]);
  assert.equal((await penalty("show")).out, "Nobody failed to log in lately.\n");
  const entry = { kind: "network", name: "192.0.2.1\x1b[2J", score: 7.25, at: 0 };
  writePenalties(join(folder, "h"), [entry as Entry, { ...entry, kind: "account", name: "alice" } as Entry]);
  assert.equal(
    (await penalty("show")).out,
    "    7.3  network  192.0.2.1?[2J  (as of 1970-01-01 00:00:00 UTC)\n" +
      "    7.3  account  alice  (as of 1970-01-01 00:00:00 UTC)\n",
  );
  assert.equal((await penalty("forgive alice")).code, 0);
  assert.deepEqual(JSON.parse((await penalty("show --json")).out), { entries: [entry] });
});

test("a home cannot have a control character in its path", async () => {
  for (const words of [
    ["init", "a\nb"],
    ["up", "a\x1bb"],
    ["user", "list", "--home", "a\x7f"],
  ]) {
    const { code, log } = await acceptutils(words);
    assert.equal(code, 1);
    assert.match(
      log,
      /^acceptutils: \/[ -~]+\/a\?b? has a control character in its name; name another folder\n$/,
    );
  }
});

test("a folder that is no home is one line that says what to do", async () => {
  const { code, log } = await acceptutils(["user", "list", "--home", "nowhere"]);
  assert.equal(code, 1);
  assert.equal(
    log,
    `acceptutils: ${folder}/nowhere is no home folder: acceptutils init ${folder}/nowhere makes one\n`,
  );
  writeFileSync(join(folder, "file"), "");
  assert.match(
    (await acceptutils(["init", "file/home"])).log,
    /^acceptutils: \/\S+: not a directory; name another folder\n$/,
  );
});
