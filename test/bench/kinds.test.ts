/** What kind of work a stack is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { kindOf } from "../../bench/profile/kinds.ts";
import type { Sample } from "../../bench/profile/samples.ts";
import { kernel, map, node, ours, readAll, script, theirs } from "./perf-script.ts";

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
