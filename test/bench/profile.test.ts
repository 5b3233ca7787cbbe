/** What is made of what perf tells: the looking itself is no part of the tests. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { kindOf } from "../../bench/profile/kinds.ts";
import { latestNames } from "../../bench/profile/names.ts";
import { isOurs, type Sample, samplesIn, scriptOf } from "../../bench/profile/samples.ts";
import { roleIn } from "../../bench/profile/service.ts";
import { costliest, divide } from "../../bench/profile/shares.ts";
import { sharesMarkdown } from "../../bench/profile/shares-table.ts";
import { beginningsIn } from "../../bench/profile/sources.ts";
import { profilesOf } from "../../bench/profile/stack-tree.ts";

const node = "/usr/bin/node";
const map = "/tmp/perf-7.map";
const kernel = "[kernel.kallsyms]";
const ours = "JS:*'#toClient /srv/build/acceptutils.parts:12:3";
const theirs = "JS:+writeGeneric node:internal/stream_base_commons:142:22";

/** A stack as perf prints it, the innermost call first: names, and what they are of. */
function script(command: string, pid: number, stack: readonly (readonly [symbol: string, object: string])[]) {
  const lines = stack.map(([symbol, object]) => {
    const address = object === kernel ? "ffffffff8134beef" : "7fcc780c65d8";
    return `\t    ${address} ${symbol} (${object})`;
  });
  return [`${command}  ${pid} `, ...lines, ""];
}

async function readAll(lines: readonly string[]): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of samplesIn(lines)) samples.push(sample);
  return samples;
}

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

const cases: readonly [kind: string | undefined, stack: readonly (readonly [string, string])[]][] = [
  ["our own code", [[ours, map]]],
  [
    "our own code",
    [
      ["Builtins_StringAdd", node],
      [ours, map],
      [theirs, map],
    ],
  ], // what V8 does for us
  [
    "Node.js in JavaScript: streams, sockets, ticks",
    [
      [theirs, map],
      [ours, map],
    ],
  ],
  [
    "Node.js and libuv in C++",
    [
      ["node::LibuvStreamWrap::DoTryWrite", node],
      [ours, map],
    ],
  ],
  [
    "Node.js and libuv in C++",
    [
      ["uv__io_poll", node],
      ["uv_run", node],
    ],
  ],
  [
    "JavaScript that is interpreted, of both",
    [
      ["Builtins_InterpreterEntryTrampoline", node],
      ["node::Start", node],
    ],
  ],
  [
    "OpenSSL",
    [
      ["ecp_nistz256_point_double", node],
      ["SSL_do_handshake", node],
      [theirs, map],
    ],
  ],
  [
    "the kernel: TCP",
    [
      ["tcp_sendmsg", kernel],
      ["sock_write_iter", kernel],
      ["write", "/usr/lib/libc.so.6"],
    ],
  ],
  [
    "the kernel: between processes",
    [
      ["try_to_wake_up", kernel],
      ["unix_stream_sendmsg", kernel],
    ],
  ],
  [
    "the kernel: files and flushes",
    [
      ["submit_bio", kernel],
      ["ext4_sync_file", kernel],
    ],
  ],
  [
    "the kernel: memory, exec, fork",
    [
      ["clear_page", kernel],
      ["exc_page_fault", kernel],
    ],
  ],
  [
    "the kernel: all else",
    [
      ["ep_poll", kernel],
      ["do_syscall_64", kernel],
      ["uv__io_poll", node],
    ],
  ],
  [
    "V8 compiling",
    [
      ["v8::internal::Scanner::Next", node],
      ["v8::internal::Compiler::Compile", node],
      [ours, map],
    ],
  ],
  [
    "our own code",
    [
      ["v8::internal::JsonParser<unsigned char>::Parse", node],
      [ours, map],
    ],
  ], // JSON.parse is no compiling
  [
    "V8 collecting garbage",
    [
      ["v8::internal::Scavenger::Process", node],
      [ours, map],
    ],
  ],
  [
    "V8 starting: snapshot and code cache",
    [["v8::internal::Deserializer<v8::internal::Isolate>::ReadData", node]],
  ],
  [
    "promises",
    [
      ["Builtins_PromisePrototypeThen", node],
      [ours, map],
    ],
  ],
  ["our own code", [["JS:*AwaitReply /srv/build/acceptutils.parts:1:1", map]]], // our names are no names of V8's
  [
    "SQLite",
    [
      ["memcpy", "/usr/lib/libc.so.6"],
      ["sqlite3VdbeExec", node],
      [ours, map],
    ],
  ],
  [
    "the C library: memory, clock",
    [
      ["_int_malloc", "/usr/lib/libc.so.6"],
      ["node::Buffer::New", node],
    ],
  ],
  ["the dynamic linker", [["do_lookup_x", "/lib/ld-linux-x86-64.so.2"]]],
  ["other programs", [["main", "/usr/bin/dash"]]],
  [
    undefined,
    [
      ["write", "/usr/lib/libc.so.6"],
      ["v8::internal::LinuxPerfBasicLogger::WriteLogRecordedBuffer", node],
    ],
  ],
];

test("a sample is of the kind that the nearest call tells", async () => {
  for (const [kind, stack] of cases) {
    const [sample] = await readAll(script("node", 7, stack));
    assert.equal(kindOf(sample as Sample), kind, stack.map(([symbol]) => symbol).join(" < "));
  }
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
  });
  const functionOf = ({ stack }: Sample) =>
    stack.some(({ symbol }) => symbol === ours) ? "f, a.ts" : undefined;
  assert.deepEqual(costliest(samples, functionOf), { "f, a.ts": 75 });
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
  assert.doesNotMatch(text, /OpenSSL/);
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
});
