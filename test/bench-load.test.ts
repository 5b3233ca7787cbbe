/** The load generator of the bench against real sockets: what it checks, and what it makes of a server that is wrong. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { compile } from "../bench/contender/compile.ts";
import { sources } from "../bench/load/generator.ts";
import type { Step, Told } from "../bench/load/plan.ts";
import { startLoad } from "../bench/measure/sample.ts";
import {
  byLine,
  capabilities,
  dialogue,
  fails,
  greeting,
  hello,
  listening,
  options,
  planFor,
  quit,
  type Serve,
  says,
  told,
  works,
} from "./bench-load.ts";

test("it compiles without a warning", options, () => {
  const folder = mkdtempSync(join(tmpdir(), "bench-load."));
  try {
    compile(join(folder, "load"), sources, ["-Wall", "-Wextra", "-Werror"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a session from the greeting to the end, a reply of many lines in it", options, async () => {
  const { latency, cpuSeconds, seconds } = await works(
    says("220 mx.example\r\n", capabilities, "221 bye\r\n"),
    dialogue,
  );
  assert.ok(latency.median > 0 && latency.p99 >= latency.median);
  assert.ok(seconds > 0 && cpuSeconds < seconds + 1);
});

test("so many sessions as were asked for, so many at once", options, async () => {
  const serve = says("220 mx.example\r\n", capabilities, "221 bye\r\n");
  let [now, most] = [0, 0];
  const counted: Serve = (socket) => {
    most = Math.max(most, ++now);
    socket.on("close", () => now--);
    serve(socket);
  };
  await works(counted, { ...dialogue, clients: 5, sessions: 40 });
  assert.ok(most > 1 && most <= 6, `${most} at once`);
});

test("replies byte by byte", options, async () => {
  await works((socket) => {
    const slow = async (text: string) => {
      for (const letter of text) {
        socket.write(letter);
        await new Promise(setImmediate);
      }
    };
    void slow("220 mx.example\r\n");
    byLine(socket, (line) => {
      if (line === "QUIT") void slow("221 bye\r\n").then(() => socket.end());
      else void slow(capabilities);
    });
  }, dialogue);
});

test("another good beginning", options, async () => {
  await works(says("220 mx.example\r\n", "454 later\r\n"), {
    steps: [greeting, { send: "AUTH PLAIN AGEAYg==\r\n", expect: "535", or: "454" }],
  });
});

for (const [name, words, replies] of [
  ["a wrong greeting", "554 no instead of 220 (step 1, greeting)", ["554 no\r\n"]],
  [
    "a wrong reply",
    'no "250" \xe9 \\ instead of 250 (step 2, EHLO client.example)',
    ["220 mx\r\n", 'no "250" \xe9 \\\r\n'],
  ],
  [
    "a wrong last line",
    "550 no instead of 250 (step 2, EHLO client.example)",
    ["220 mx\r\n", "250-mx\r\n550 no\r\n"],
  ],
  [
    "an end within a reply",
    "the connection ended after 250-mx (step 2, EHLO client.example)",
    ["220 mx\r\n", "250-mx\r\n250"],
  ],
  ["an early end", "the connection ended (step 3, QUIT)", ["220 mx\r\n", "250 mx\r\n"]],
  [
    "more than was asked for",
    "more: 250 ok (step 4, end)",
    ["220 mx\r\n", "250 mx\r\n", "221 bye\r\n250 ok\r\n"],
  ],
] as const) {
  test(`${name} fails the session`, options, () =>
    fails(
      (socket) => {
        socket.setDefaultEncoding("latin1");
        says(...replies)(socket);
      },
      dialogue,
      words,
    ),
  );
}

test("silence is a failure, at the end as well", options, async () => {
  const silenceSeconds = 0.2;
  await fails(
    (socket) => void socket.write("220 mx\r\n"),
    { ...dialogue, silenceSeconds },
    "silence (step 2, EHLO client.example)",
  );
  await fails(
    (socket) => void socket.write("220 mx\r\n"),
    { steps: [greeting, { end: true }], silenceSeconds },
    "silence (step 2, end)",
  );
});

test("nobody is there", options, async () => {
  const { server, port } = await listening(() => {});
  await new Promise((resolve) => server.close(resolve));
  const { lines } = startLoad(planFor(port, dialogue));
  const { firstFailure } = JSON.parse((await lines.next()).value as string) as Told;
  assert.equal(firstFailure, "Connection refused (step 1, greeting)");
});

test("after ten failures no session begins", options, async () => {
  const wishes = { ...dialogue, clients: 2, sessions: 1000 };
  const { failures } = await told(says("554 no\r\n"), wishes);
  assert.ok(failures >= 10 && failures <= 11, `${failures}`);
});

test("pipelined commands, and as many replies as there were", options, async () => {
  const noops: Step = { pipeline: "NOOP\r\n", times: 5000, expect: "250" };
  const wishes = { steps: [greeting, noops, ...quit] };
  const answers =
    (wrong: number): Serve =>
    (socket) => {
      let count = 0;
      socket.write("220 mx\r\n");
      byLine(socket, (line) => {
        if (line === "NOOP") socket.write(++count === wrong ? "500 what\r\n" : "250 ok\r\n");
        else socket.end("221 bye\r\n");
      });
    };
  await works(answers(0), wishes);
  await fails(answers(4000), wishes, "500 what instead of 250 (step 2, NOOP)");
});

test("responses of POP3, with the dot as it is usual and as qmail-pop3d has it", options, async () => {
  const body = "a line of the message\r\n".repeat(20_000);
  const steps: readonly Step[] = [
    { expect: "+OK" },
    { retrieve: "LIST\r\n", endsWith: "\r\n", octets: 16 },
    { retrieve: "RETR 1\r\n", endsWith: "the message\r\n", octets: body.length },
    { send: "QUIT\r\n", expect: "+OK" },
    { end: true },
  ];
  const list = "+OK\r\n1 4096\r\n2 4096\r\n.\r\n";
  await works(says("+OK\r\n", list, `+OK\r\n${body}.\r\n`, "+OK\r\n"), { steps });
  await works(says("+OK\r\n", list, `+OK\r\n${body}\r\n.\r\n`, "+OK\r\n"), { steps });
  await fails(says("+OK\r\n", "-ERR no\r\n", ""), { steps }, "-ERR no (step 2, LIST)");
  await fails(
    says("+OK\r\n", list, "+OK short\r\na line of the message\r\n.\r\n"),
    { steps },
    `37 octets instead of ${body.length}: +OK short (step 3, RETR 1)`,
  );
  await fails(
    says("+OK\r\n", list, `+OK\r\n${body}another\r\n.\r\n`),
    { steps },
    /^the connection ended after .* \(step 3, RETR 1\)$/s,
  );
});

test("sessions that are held stay open until the generator is told to go on", options, async () => {
  const { server, port, sockets } = await listening(says("220 mx\r\n", capabilities, "221 bye\r\n"));
  const plan = planFor(port, { steps: [greeting, hello], clients: 30, hold: true, silenceSeconds: 0.1 });
  const { child, lines, gone } = startLoad(plan);
  assert.equal((await lines.next()).value, "open");
  assert.equal(sockets.size, 30);
  const closed = Promise.all([...sockets].map((socket) => new Promise((done) => socket.on("close", done))));
  child.stdin.end("\n");
  const { failures } = JSON.parse((await lines.next()).value as string) as Told;
  assert.equal(failures, 0);
  await Promise.all([closed, gone]);
  server.close();
});

test("a session that is closed while it is held has failed", options, async () => {
  const { server, port, sockets } = await listening(says("220 mx\r\n", capabilities, "221 bye\r\n"));
  const { child, lines, gone } = startLoad(
    planFor(port, { steps: [greeting, hello], clients: 2, hold: true }),
  );
  assert.equal((await lines.next()).value, "open");
  const [first] = sockets;
  first!.end("421 down\r\n");
  await new Promise((resolve) => first!.on("close", resolve));
  child.stdin.end("\n");
  const { failures, firstFailure } = JSON.parse((await lines.next()).value as string) as Told;
  assert.deepEqual([failures, firstFailure], [1, "more: 421 down (step 3, hold)"]);
  await gone;
  server.close();
});
