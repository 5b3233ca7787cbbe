/** The load generator of the bench in TLS, and with messages that no buffer takes at once. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import type { TLSSocket } from "node:tls";
import { messageOf } from "../bench/load/message.ts";
import type { Step } from "../bench/load/plan.ts";
import {
  byLine,
  capabilities,
  dialogue,
  fails,
  greeting,
  hello,
  options,
  quit,
  type Serve,
  says,
  secured,
  works,
} from "./bench-load.ts";

const startTls: Step = { send: "STARTTLS\r\n", expect: "220" };
const inTls: readonly Step[] = [greeting, startTls, { tls: true }, hello, ...quit];

/** Greets, goes over to TLS, and serves there; `early` goes after the 220 in clear. */
const overTls =
  (serve: Serve, early = ""): Serve =>
  (socket) => {
    socket.write("220 mx\r\n");
    byLine(socket, () => {
      const secure = secured(socket);
      serve(secure);
      socket.write(`220 go ahead\r\n${early}`);
    });
  };

const bye: Serve = (socket) =>
  byLine(socket, (line) => {
    if (line === "QUIT") socket.end("221 bye\r\n");
    else socket.write(capabilities);
  });

test("TLS after STARTTLS, and from the first byte", options, async () => {
  await works(overTls(bye), { steps: inTls, sessions: 5 });
  await works((socket) => says("220 mx\r\n", capabilities, "221 bye\r\n")(secured(socket)), {
    ...dialogue,
    implicitTls: true,
    sessions: 5,
    clients: 2,
  });
});

test("every handshake is a full one", options, async () => {
  const reused: boolean[] = [];
  const counted: Serve = (socket) => {
    (socket as TLSSocket).on("secure", () => reused.push((socket as TLSSocket).isSessionReused()));
    bye(socket);
  };
  await works(overTls(counted), { steps: inTls, sessions: 3 });
  assert.deepEqual(reused, [false, false, false]);
});

test("what comes in clear before TLS is a failure", options, () =>
  fails(overTls(bye, "250 injected\r\n"), { steps: inTls }, "more in clear: 250 injected (step 3, TLS)"),
);

test("a handshake that does not come about", options, async () => {
  const [greets, goesAhead] = ["220 mx\r\n", "220 go ahead\r\n"];
  await fails(says(greets, goesAhead), { steps: inTls }, "closed in the handshake (step 3, TLS)");
  await fails(
    (socket) => {
      socket.write(greets);
      socket.once("data", () => {
        socket.write(goesAhead);
        socket.once("data", () => socket.write("250 this is not TLS\r\n"));
      });
    },
    { steps: inTls },
    "wrong version number (step 3, TLS)",
  );
});

const large = 10 * 1024 * 1024;
const data: readonly Step[] = [
  greeting,
  { send: "DATA\r\n", expect: "354" },
  { message: true, expect: "250" },
  ...quit,
];

/** Takes a message slowly at first, and compares it. */
const takes =
  (octets: number): Serve =>
  (socket) => {
    const wire = messageOf(octets);
    const parts: Buffer[] = [];
    let got = 0;
    let reading = false;
    socket.on("data", (chunk: Buffer) => {
      if (!reading) {
        reading = chunk.toString() === "DATA\r\n";
        if (reading) socket.write("354 go on\r\n");
        else socket.end("221 bye\r\n");
        return;
      }
      parts.push(chunk);
      got += chunk.length;
      if (parts.length % 50 === 1) {
        socket.pause();
        setTimeout(() => socket.resume(), 1);
      }
      if (got < wire.length) return;
      reading = false;
      socket.write(Buffer.concat(parts).equals(wire) ? "250 ok\r\n" : "554 another message\r\n");
    });
  };

test("a large message, in clear and in TLS, to a server that reads it slowly", options, async () => {
  await works(
    (socket) => {
      socket.write("220 mx\r\n");
      takes(large)(socket);
    },
    { steps: data, messageOctets: large },
  );
  const [first, ...rest] = data;
  await works(overTls(takes(large)), {
    steps: [first!, startTls, { tls: true }, ...rest],
    messageOctets: large,
  });
});

test("a reply that comes before the message has gone is noticed, and is wrong", options, async () => {
  const early =
    (reply: string, after: (socket: Socket) => void): Serve =>
    (socket) => {
      socket.write("220 mx\r\n");
      socket.once("data", () => {
        socket.pause();
        socket.write("354 go on\r\n");
        socket.write(reply, () => after(socket));
      });
    };
  const wishes = { steps: data, messageOctets: large };
  await fails(
    early("552 too large\r\n", () => {}),
    wishes,
    "552 too large instead of 250 (step 3, message)",
  );
  await fails(
    early("250 ok\r\n", () => {}),
    wishes,
    "250 ok before all was said (step 3, message)",
  );
});
