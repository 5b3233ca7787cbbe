import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Environment } from "./environment.ts";

test("to its readers it is a Map, and no other environment's changes are seen in it", () => {
  const name = fc.constantFrom("A", "B", "C");
  const change = fc.oneof(
    fc.record({ do: fc.constant("set" as const), at: fc.nat(5), name, value: fc.string() }),
    fc.record({ do: fc.constant("delete" as const), at: fc.nat(5), name }),
    fc.record({ do: fc.constant("fork" as const), at: fc.nat(5) }),
    fc.record({ do: fc.constant("clear" as const), at: fc.nat(5) }),
  );
  fc.assert(
    fc.property(fc.dictionary(name, fc.string()), fc.array(change), (first, changes) => {
      const start = new Map(Object.entries(first));
      const ours = [new Environment(start)];
      const plain = [new Map(start)];
      for (const one of changes) {
        const at = one.at % ours.length;
        const [mine, theirs] = [ours[at]!, plain[at]!];
        switch (one.do) {
          case "set":
            assert.equal(mine.set(one.name, one.value), mine);
            theirs.set(one.name, one.value);
            break;
          case "delete":
            assert.equal(mine.delete(one.name), theirs.delete(one.name));
            break;
          case "clear":
            mine.clear();
            theirs.clear();
            break;
          case "fork":
            ours.push(mine.fork());
            plain.push(new Map(theirs));
        }
      }
      for (const [at, mine] of ours.entries()) {
        const theirs = plain[at]!;
        assert.deepEqual([...mine], [...theirs]);
        assert.deepEqual([...mine.keys()], [...theirs.keys()]);
        assert.deepEqual([...mine.values()], [...theirs.values()]);
        assert.equal(mine.size, theirs.size);
        for (const key of ["A", "B", "C"]) {
          assert.equal(mine.get(key), theirs.get(key));
          assert.equal(mine.has(key), theirs.has(key));
        }
        const seen: string[] = [];
        mine.forEach((value, key) => {
          seen.push(`${key}=${value}`);
        });
        assert.deepEqual(
          seen,
          [...theirs].map(([key, value]) => `${key}=${value}`),
        );
      }
      assert.deepEqual(start, new Map(Object.entries(first)));
    }),
  );
});

test("what many are told is set in each, over what was there, and is there once", () => {
  const name = fc.constantFrom("A", "B", "C", "D");
  const said = fc.array(fc.tuple(name, fc.option(fc.string(), { nil: undefined })));
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.string()),
      said,
      fc.dictionary(name, fc.string()),
      said,
      (...given) => {
        const [start, before, told, after] = given;
        const [base, shared] = [new Map(Object.entries(start)), new Map(Object.entries(told))];
        const plain = new Map(base);
        const ours = new Environment(base);
        const fork = ours.fork();
        const change = (changes: typeof before, env: Map<string, string>) => {
          for (const [name, value] of changes) {
            if (value === undefined) env.delete(name);
            else env.set(name, value);
          }
        };
        for (const env of [plain, ours]) change(before, env);
        ours.setAll(shared);
        for (const [name, value] of shared) plain.set(name, value);
        for (const env of [plain, ours]) change(after, env);
        for (const name of ["A", "B", "C", "D"]) assert.equal(ours.get(name), plain.get(name));
        assert.deepEqual(Object.fromEntries(ours), Object.fromEntries(plain));
        assert.deepEqual([...fork], Object.entries(start));
        assert.deepEqual([...base], Object.entries(start));
        assert.deepEqual([...shared], Object.entries(told));
      },
    ),
  );
});
