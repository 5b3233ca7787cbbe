import assert from "node:assert/strict";
import { openSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { HeldFile } from "./files.ts";

test("a temporary file gives back what was written, wherever it is", async () => {
  const piece = fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constant(new Uint8Array(70_000).fill(97)));
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 6 }), fc.boolean(), async (pieces, early) => {
      const file = new HeldFile();
      if (early) await file.file();
      for (const bytes of pieces) await file.write(bytes);
      const whole = Buffer.concat(pieces);
      assert.equal(await file.size(), whole.length);
      assert.deepEqual(Buffer.from(await file.read()), whole);
      const parts: Uint8Array[] = [];
      for await (const part of file.chunks()) parts.push(part);
      assert.deepEqual(Buffer.concat(parts), whole);
      // As a process would find it.
      const { handle } = await file.file();
      assert.deepEqual(readFileSync(openSync(`/proc/self/fd/${handle.fd}`, "r")), whole);
      file.close();
    }),
    { numRuns: 30 },
  );
});
