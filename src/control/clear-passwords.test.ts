import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Secret } from "../protocol/checkpassword/secret.ts";
import { clearPasswordOf, withClearPassword } from "./clear-passwords.ts";

const secret = (text: string) => new Secret(Buffer.from(text, "latin1"));

async function stored(bytes: Uint8Array, name: string): Promise<string | undefined> {
  const found = await clearPasswordOf({ home: () => "/", readFile: async () => bytes }, name);
  return found && Buffer.from(found.reveal()).toString("latin1");
}

test("what was stored for a name is found, and nobody else's", async () => {
  const name = fc.constantFrom("a", "ab", "abc", "b");
  const password = fc.string({ unit: fc.constantFrom(..."ab: \xff"), minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, fc.option(password))), async (changes) => {
      let bytes: Uint8Array = new Uint8Array(0);
      const wanted = new Map<string, string>();
      for (const [who, what] of changes) {
        bytes = withClearPassword(bytes, who, what === null ? undefined : secret(what));
        if (what === null) wanted.delete(who);
        else wanted.set(who, what);
      }
      for (const who of ["a", "ab", "abc", "b"]) assert.equal(await stored(bytes, who), wanted.get(who));
    }),
  );
});

test("a file that somebody wrote by hand may lack its last line end", async () => {
  const bytes = withClearPassword(Buffer.from("bob:y\nalice:x"), "alice", secret("z"));
  assert.equal(await stored(withClearPassword(Buffer.from("bob:y"), "alice", secret("z")), "alice"), "z");
  assert.equal(await stored(bytes, "alice"), "z");
  assert.equal(await stored(Buffer.from("bob:y\nalice:x"), "alice"), "x");
});
