/**
 * A process for test/secrets.test.ts: serves one connection as a resident worker does, and writes down its heap.
 *
 *     node secrets-host.ts PORT HOME PATH SNAPSHOT
 */
import { once } from "node:events";
import { connect } from "node:net";
import { writeHeapSnapshot } from "node:v8";
import { programCalled } from "../../src/programs/table.ts";
import { runResident } from "../../src/system/resident-host.ts";
import { connection } from "../../src/system/stream.ts";

const [port = "", home = "", path = "", snapshot = ""] = process.argv.slice(2);
const socket = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
await once(socket, "connect");
const ended = await runResident(["authup", "-t", "1000", "smtp", "checkpassword", "true"], {
  ...connection(socket),
  programs: programCalled,
  env: new Map([
    ["PATH", path],
    ["ACCEPTUTILS_HOME", home],
  ]),
  cwd: home,
  log: (line) => console.log(line),
});
console.log(JSON.stringify(ended));
writeHeapSnapshot(snapshot);
socket.destroy();
