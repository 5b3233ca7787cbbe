/** What is made of what perf tells: the looking itself is no part of the tests. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { latestNames } from "../../bench/profile/names.ts";
import { isOurs, type Sample, scriptOf } from "../../bench/profile/samples.ts";
import { roleIn } from "../../bench/profile/service.ts";
import { costliest, divide } from "../../bench/profile/shares.ts";
import { sharesMarkdown } from "../../bench/profile/shares-table.ts";
import { beginningsIn } from "../../bench/profile/sources.ts";
import { profilesOf } from "../../bench/profile/stack-tree.ts";
import { kernel, map, node, ours, readAll, script, theirs } from "./perf-script.ts";

test("names with blanks and parentheses are read whole", async () => {
  const [first, second, ...more] = await readAll([
    ...script("acceptutils: tl", 7, [
      ["v8::(anonymous namespace)::Invoke", node],
      [ours, map],
    ]),
    ...script("node-V8Worker", 8, [["do_syscall_64", kernel]]),
    "perf  9 ",
    "",
  ]);
  assert.deepEqual(first, {
    command: "acceptutils: tl",
    pid: 7,
    stack: [
      { symbol: "v8::(anonymous namespace)::Invoke", object: node, kernel: false },
      { symbol: ours, object: map, kernel: false },
    ],
  });
  assert.deepEqual(second?.stack, [{ symbol: "do_syscall_64", object: kernel, kernel: true }]);
  assert.deepEqual(more, [], "a sample without a stack says nothing");
});

test("a function is known by its name and file, however it is compiled", () => {
  const of = (symbol: string) => scriptOf({ symbol, object: map, kernel: false });
  assert.deepEqual(of(ours), { name: "#toClient", file: "/srv/build/acceptutils.parts", line: 12 });
  assert.deepEqual(of("JS:~ /srv/a b/app.cjs:1:1"), { name: "", file: "/srv/a b/app.cjs", line: 1 });
  assert.equal(of("Builtins_PromiseConstructor"), undefined);
  assert.deepEqual(
    [ours, theirs].map(of).map((one) => one && isOurs(one)),
    [true, false],
  );
});

const recorded = await readAll([
  ...script("node", 7, [[ours, map]]),
  ...script("node", 7, [
    [theirs, map],
    [ours, map],
  ]),
  ...script("node", 8, [
    ["tcp_sendmsg", kernel],
    [ours, map],
  ]),
  ...script("node", 8, [["do_idle", kernel]]),
  ...script("node", 8, [["v8::internal::LinuxPerfBasicLogger::Write", node]]),
]);
const samples = { samples: recorded, roleOf: ({ pid }: Sample) => (pid === 7 ? "front" : "tls") };

test("shares are per cent of the samples that are not there because somebody looks", () => {
  assert.deepEqual(divide(samples), {
    samples: 4,
    kinds: {
      "our own code": 25,
      "Node.js in JavaScript: streams, sockets, ticks": 25,
      "the kernel: TCP": 25,
      "the kernel: all else": 25,
    },
    processes: { front: 50, tls: 50 },
    processKinds: {
      front: { "our own code": 25, "Node.js in JavaScript: streams, sockets, ticks": 25 },
      tls: { "the kernel: TCP": 25, "the kernel: all else": 25 },
    },
  });
  const functionOf = ({ stack }: Sample) =>
    stack.some(({ symbol }) => symbol === ours) ? "f, a.ts" : undefined;
  assert.deepEqual(costliest(samples, functionOf), { "f, a.ts": 75 });
});

test("only large processes have kinds, and each of them those that are large in one", () => {
  const many = (pid: number, kind: number, number: number) =>
    Array.from({ length: number }, () => ({ ...recorded[kind]!, pid }));
  const found = divide({
    samples: [
      ...many(4, 0, 49), // 4.9 %
      ...many(5, 0, 9), // 0.9 %
      ...many(5, 2, 41),
      ...many(6, 1, 9), // large nowhere
      ...many(6, 2, 9), // large in the other
      ...many(6, 0, 883),
    ],
    roleOf: ({ pid }) => `process ${pid}`,
  });
  assert.deepEqual(Object.entries(found.processKinds ?? {}), [
    ["process 6", { "our own code": 88.3, "the kernel: TCP": 0.9 }],
    ["process 5", { "the kernel: TCP": 4.1, "our own code": 0.9 }],
  ]);
});

test("the table has a column for each figure, and no row that is nothing", () => {
  const shares = {
    says: "incoming",
    date: "2030-01-01 00:00",
    seen: "600 µs CPU",
    functions: { "f, a.ts": 75 },
  };
  const text = sharesMarkdown([{ figure: "1", ...shares, ...divide(samples) }]);
  assert.match(text, /^\| the kernel: TCP +\| 25 +\|$/m);
  assert.match(text, /^\| tls +\| 50 +\|$/m);
  assert.match(text, /^\| 75\.0 +\| `f` +\| `a\.ts` +\|$/m);
  assert.match(text, /^\| % +\| front +\| tls +\|\n.*\n\| all +\| 50\.0 +\| 50\.0 +\|$/m);
  assert.match(text, /^\| the kernel: TCP +\| - +\| 25\.0 +\|$/m);
  assert.doesNotMatch(text, /OpenSSL/);
});

test("a figure that was recorded without the kinds of its processes is shown without them", () => {
  const now = divide(samples);
  const { processKinds: _, ...before } = now;
  const one = { figure: "1", says: "incoming", date: "2030-01-01 00:00", seen: "600 µs CPU", functions: {} };
  assert.match(sharesMarkdown([{ ...one, ...now }]), /^\| all /m);
  assert.doesNotMatch(sharesMarkdown([{ ...one, ...before }]), /^\| all /m);
});

test("a flame graph has a tree for each process", () => {
  const profiles = profilesOf(recorded, samples.roleOf, 1e6);
  assert.deepEqual(
    profiles.map(({ title, tree }) => [title, [...tree.callees.keys()]]),
    [
      ["front: 2.00 s CPU", ["#toClient acceptutils.parts:12"]],
      ["tls: 2.00 s CPU", ["#toClient acceptutils.parts:12", "do_idle"]],
    ],
  );
  assert.deepEqual(profiles[0]?.tree.costliest(1), [["#toClient acceptutils.parts:12", 1e6]]);
});

test("a process is known by what it does", () => {
  const roles = {
    "acceptutils: auth front": "auth front",
    "acceptutils: user alice": "user",
    "app.cjs acceptutils up": "master",
    "app.cjs qmail-send": "qmail-send",
    "app.cjs worker auth": "auth",
  };
  for (const [title, role] of Object.entries(roles)) assert.equal(roleIn(title), role);
});

test("code that lies where other code was has the later name", () => {
  const map = "7f00 100 JS:~a\n8000 40 JS:^b\n7f80 10 JS:*c\n7f90 8 JS:*d\n8040 40 JS:+e\n8000 40 JS:*f\n";
  assert.equal(latestNames(map), "7f80 10 JS:*c\n7f90 8 JS:*d\n8000 40 JS:*f\n8040 40 JS:+e\n");
});

test("a line of the bundle is of the file that is named above it", () => {
  assert.deepEqual(beginningsIn('"use strict";\n// src/a.ts\nx;\n  // src/no.ts\n// src/b/c.ts\n'), [
    { line: 2, source: "src/a.ts" },
    { line: 5, source: "src/b/c.ts" },
  ]);
  const part = "(function (require, part, __filename, __dirname) {\nconst a = 1;\n// src/a.ts\n// src/b.ts\n";
  assert.deepEqual(
    beginningsIn(`${part}}`).map(({ line, source }) => [line, source]),
    [
      [1, "src/b.ts"],
      [3, "src/a.ts"],
      [4, "src/b.ts"],
    ],
    "a part is known by its last file",
  );
});
