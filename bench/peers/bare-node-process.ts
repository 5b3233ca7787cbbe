/**
 * The floor for a server in TypeScript: node:net and node:tls, replies without parsing, nothing kept. It knows that a
 * message ends with a dot, and no more. Certificate and key are in the PEM file of its first argument.
 */
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";

const pem = readFileSync(process.argv[2] ?? "");
const secureContext = createSecureContext({
  key: pem,
  cert: pem,
  minVersion: "TLSv1.2",
  ecdhCurve: "X25519",
});
const ok = "250 ok\r\n";
const replies = new Map([
  ["EHLO", "250-bare\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n"],
  ["DATA", "354 go ahead\r\n"],
  ["AUTH", "235 ok\r\n"],
  ["STAR", "220 ready\r\n"],
  ["QUIT", "221 bye\r\n"],
]);

const server = createServer({ noDelay: true }, (socket) => {
  socket.write("220 bare ESMTP\r\n");
  serve(socket);
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as { port: number }).port));

function serve(socket: Socket): void {
  let inMessage = false;
  /** The last octets of a message so far: its end may come in pieces. */
  let tail = "";
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    if (inMessage) {
      tail = (tail + chunk.toString("latin1", Math.max(0, chunk.length - 5))).slice(-5);
      if (tail !== "\r\n.\r\n") return;
      inMessage = false;
      socket.write(ok);
      return;
    }
    let said = "";
    for (let at = 0; at < chunk.length; at = chunk.indexOf(10, at) + 1 || chunk.length) {
      const verb = chunk.toString("latin1", at, at + 4);
      said += replies.get(verb) ?? ok;
      if (verb === "DATA") {
        inMessage = true;
        tail = "";
      }
      if (verb === "STAR") {
        socket.removeAllListeners("data");
        socket.write(said);
        serve(new TLSSocket(socket, { isServer: true, secureContext }));
        return;
      }
      if (verb === "QUIT") {
        socket.end(said);
        return;
      }
    }
    socket.write(said);
  });
}
