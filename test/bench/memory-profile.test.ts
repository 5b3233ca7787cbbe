/** What is made of what V8 and the kernel tell of memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { growth, summaryOf } from "../../bench/profile/heap-snapshot.ts";
import { pagesIn } from "../../bench/profile/pages.ts";

/** A heap snapshot with nodes of these types, names and sizes. */
function snapshot(nodes: readonly (readonly [type: string, name: string, octets: number])[]): string {
  const types = ["hidden", "array", "string", "object", "closure", "native"];
  const strings = [...new Set(nodes.map(([, name]) => name))];
  return JSON.stringify({
    snapshot: { meta: { node_fields: ["type", "name", "id", "self_size"], node_types: [types] } },
    nodes: nodes.flatMap(([type, name, octets], at) => [
      types.indexOf(type),
      strings.indexOf(name),
      at,
      octets,
    ]),
    strings,
  });
}

test("objects are counted by their constructor, all else by what it is", () => {
  const one = summaryOf(
    snapshot([
      ["object", "Map", 32],
      ["string", "250 ok", 24],
      ["object", "Gone", 8],
    ]),
  );
  const many = summaryOf(
    snapshot([
      ...Array.from({ length: 11 }, () => ["object", "Map", 32] as const),
      ["object", "system / Context", 40],
      ["native", "system / JSArrayBufferData", 60],
      ["string", "250 ok", 24],
      ["closure", "step", 64],
    ]),
  );
  assert.deepEqual(one.get("(string)"), { count: 1, octets: 24 });
  assert.deepEqual(growth(one, many, 10), [
    ["Map", { count: 1, octets: 32 }],
    ["(closure)", { count: 0.1, octets: 6.4 }],
    ["JSArrayBufferData", { count: 0.1, octets: 6 }],
    ["Context", { count: 0.1, octets: 4 }],
  ]);
});

test("pages are added up by what they are for", () => {
  const smaps = `55d0a000-55d0b000 r-xp 00000000 fe:00 1234   /usr/bin/node
Pss:                  10 kB
Private_Clean:         1 kB
Private_Dirty:         2 kB
55d0c000-55d0d000 rw-p 00000000 00:00 0      [heap]
Pss:                  20 kB
Private_Dirty:        20 kB
7f00a000-7f00b000 rw-p 00000000 00:00 0
Pss:                  30 kB
Private_Dirty:        30 kB
`;
  assert.deepEqual(pagesIn(smaps), { pss: 60, private: 53, binary: 3, malloc: 20, anonymous: 30 });
});
