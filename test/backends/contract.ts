/**
 * What every backend must do, whoever keeps the passwords behind it. Each test file of this folder brings one up, the
 * real thing, with these users, and plays all of this against it: in our process, and as a program.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Backend, Unable } from "../../src/auth/backend.ts";
import { Secret } from "../../src/protocol/checkpassword/secret.ts";
import { surroundingsOf } from "../../src/system/backends/surroundings.ts";
import { openBackend } from "../../src/system/backends/table.ts";
import { type Account, CannotOpen } from "../../src/system/system.ts";
import { root } from "../runner/case.ts";

/** Names and passwords that a backend is to know, as UTF-8. `locked` and `wheel` (uid 0) are not to come in. */
export const people = {
  alice: "AlicePw1",
  bob: "p:ä %s\"'\\)(*&=;+",
  locked: "LockedPw1",
  wheel: "WheelPw1",
} as const;

export const isRoot = process.getuid!() === 0;
/** Who alice and bob become: no account of the system's. Without root, who we are. */
export const uid = isRoot ? 64_997 : process.getuid!();
export const gid = isRoot ? 64_996 : process.getgid!();

/** A backend that is up. */
export interface Backing {
  /** The home folder, with the control file of the backend. */
  readonly home: string;
  /** What alice is to become, where it is not her name, the ids above, home/alice in the home folder and /bin/sh. */
  readonly alice?: Partial<Account>;
  /** Whoever keeps the passwords goes away, for the last tests. */
  leave?(): Promise<void> | void;
  stop(): Promise<void> | void;
}

/** What there is only for some, and why. */
export interface Exceptions {
  readonly skip?: string | false;
  /** Names that cannot be made there. */
  readonly without?: readonly (keyof typeof people)[];
}

/** A home folder that anybody may enter, with an empty control folder and homes of alice and bob. */
export function makeHome(): string {
  const home = mkdtempSync(join(tmpdir(), "acceptutils-backend."));
  chmodSync(home, 0o755);
  for (const name of ["control", "users", "home", "home/alice", "home/bob"]) mkdirSync(join(home, name));
  return home;
}

export const removeHome = (home: string) => rmSync(home, { recursive: true, force: true });

/** Says what it became, on one line. */
const show = `#!/bin/sh
if (: <&3) 2>/dev/null; then echo fd3 open; fi
echo "$(id -u) $(id -g) $(pwd) $USER $HOME $SHELL"
exit 9
`;

/** Plays the contract against the backend that the program `name` asks. */
export function contract(
  name: string,
  { skip = false, without = [] }: Exceptions,
  start: () => Promise<Backing>,
): void {
  describe(name, { skip }, () => {
    let backing: Backing;
    let backend: Backend;
    let expected: Account;

    before(async () => {
      backing = await start();
      writeFileSync(join(backing.home, "show"), show, { mode: 0o755 });
      backend = await openBackend(name, surroundingsOf(backing.home));
      const home = join(backing.home, "home", "alice");
      expected = { user: "alice", uid, gid, home, shell: "/bin/sh", ...backing.alice };
    });
    after(async () => {
      backend?.close?.();
      await backing?.stop();
      if (backing !== undefined) removeHome(backing.home);
    });

    /** The answer, and how often the costly check was done. */
    async function ask(user: string, password: string | Uint8Array) {
      let checks = 0;
      const secret = new Secret(Uint8Array.from(Buffer.from(password as string)));
      const question = { user: latin1(user), secret, client: "192.0.2.1", timestamp: "" };
      const account = await backend.verify(question, (work) => {
        checks += 1;
        return work();
      });
      return { account, checks };
    }

    /** The program, as authup runs it. */
    function run(user: string, password: string, words = [join(backing.home, "show")]) {
      const fields = join(backing.home, "fields");
      writeFileSync(fields, `${user}\0${password}\0<1.2@mx.example>\0`);
      return spawnSync(join(root, "build", "bin", name), words, {
        encoding: "utf8",
        timeout: 30_000,
        stdio: ["ignore", "pipe", "pipe", openSync(fields, "r")],
        env: { PATH: "/usr/bin:/bin", ACCEPTUTILS_HOME: backing.home, TCPREMOTEIP: "192.0.2.1" },
      });
    }

    test("the right password is right, and says who the session becomes", async () => {
      assert.deepEqual(await ask("alice", people.alice), { account: expected, checks: 1 });
    });

    test("a password of all kinds of octets is right", async (t) => {
      if (without.includes("bob")) return t.skip("no such user there");
      assert.equal((await ask("bob", people.bob)).account?.user, "bob");
      return undefined;
    });

    for (const [why, user, password] of wrong) {
      test(`${why}: refused, at the price of one check`, async (t) => {
        if (without.some((each) => each === user)) return t.skip("no such user there");
        assert.deepEqual(await ask(user, password), { account: undefined, checks: 1 });
        return undefined;
      });
    }

    test("nobody is not compared with what was right for somebody a moment ago", async () => {
      const stored: (string | undefined)[] = [];
      for (const user of ["alice", "nobody"]) {
        const secret = new Secret(Uint8Array.from(Buffer.from(people.alice)));
        await backend.verify({ user, secret, client: "192.0.2.1", timestamp: "" }, (work, compared) => {
          stored.push(compared && Buffer.from(compared).toString("latin1"));
          return work();
        });
      }
      assert.equal(stored.length, 2);
      // What is undefined is never answered from memory.
      assert.ok(stored[0] === undefined || stored[0] !== stored[1]);
    });

    test("many at once are each answered for themselves", async () => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, at) => ask("alice", at % 3 === 0 ? people.alice : `guess ${at}`)),
      );
      assert.deepEqual(
        answers.map(({ account }) => account?.user),
        answers.map((_, at) => (at % 3 === 0 ? "alice" : undefined)),
      );
    });

    test("as a program it becomes the user and runs the next one, without descriptor 3", () => {
      const { status, stdout, stderr } = run("alice", people.alice);
      assert.equal(status, 9, stderr);
      const { user, home, shell } = expected;
      assert.equal(stdout, `${expected.uid} ${expected.gid} ${home} ${user} ${home} ${shell}\n`);
      assert.match(stderr, /^checkpassword \d+ accepted alice\n$/);
    });

    test("as a program it exits 1 without a word, for an unknown user as for a wrong password", () => {
      for (const [user, password] of [
        ["alice", "wrong"],
        ["nobody-of-that-name", "wrong"],
      ] as const) {
        const { status, stdout, stderr } = run(user, password);
        assert.deepEqual({ status, stdout, stderr }, { status: 1, stdout: "", stderr: "" });
      }
    });

    test("as a program it exits 2 when it is misused, and 111 when the next one cannot run", () => {
      assert.equal(run("alice", people.alice, []).status, 2);
      const { status, stderr } = run("alice", people.alice, ["/nowhere/prog"]);
      assert.equal(status, 111);
      assert.match(stderr, /unable to run/);
    });

    test("when nobody knows, it is no wrong password: try again later", async (t) => {
      if (backing.leave === undefined) return t.skip("it cannot be away");
      await backing.leave();
      await assert.rejects(ask("alice", people.alice), (error: Error) => {
        assert.ok(error instanceof Unable || error instanceof CannotOpen, String(error.stack));
        assert.ok(!error.message.includes(people.alice));
        return true;
      });
      const { status, stdout, stderr } = run("alice", people.alice);
      assert.deepEqual({ status, stdout }, { status: 111, stdout: "" });
      assert.match(stderr, new RegExp(`^${name}: .+\n$`));
      assert.ok(!stderr.includes(people.alice));
      return undefined;
    });
  });
}

const latin1 = (text: string) => Buffer.from(text).toString("latin1");

const wrong: readonly (readonly [why: string, user: string, password: string])[] = [
  ["a wrong password", "alice", "wrong"],
  ["an unknown user", "nobody-of-that-name", people.alice],
  ["no password", "alice", ""],
  ["no user", "", people.alice],
  ["a password that only begins right", "alice", `${people.alice}1`],
  ["a password cut short", "alice", people.alice.slice(0, -1)],
  ["somebody else's password", "bob", people.alice],
  ["a locked account", "locked", people.locked],
  ["uid 0", "wheel", people.wheel],
  ["root", "root", ""],
  ["every name", "*", people.alice],
  ["the beginning of a name", "al*", people.alice],
  ["a name that would be a filter", "alice)(uid=*", people.alice],
  ["a name that would be SQL", "alice' --", people.alice],
  ["a name that would be a format", "%u", people.alice],
  ["a name that would be a line", "alice\nbob", people.alice],
  ["a name that would be a field", "alice\tbob", people.alice],
  ["a name of octets that are no text", "\u00ff\u0080", people.alice],
  ["a name every object has", "constructor", people.alice],
  ["a name that is too long", "a".repeat(300), people.alice],
];
