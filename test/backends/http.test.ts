/** nginx answers as a server of auth_http does, with a map for users; and servers that do not answer as they should. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { atOnce, Unable } from "../../src/auth/backend.ts";
import { Secret } from "../../src/protocol/checkpassword/secret.ts";
import { surroundingsOf } from "../../src/system/backends/surroundings.ts";
import { openBackend } from "../../src/system/backends/table.ts";
import { contract, gid, makeHome, people, removeHome, uid } from "./contract.ts";
import { freePort, missing, startDaemon } from "./daemon.ts";

/** As it stands in nginx's map: what the header has, quoted. */
function mapped([name, password]: [string, string]): string {
  const sent = Buffer.from(password)
    .toString("latin1")
    .replace(
      /[%\x00-\x20\x7f-\xff]/g,
      (octet) => `%${Buffer.from(octet, "latin1").toString("hex").toUpperCase()}`,
    )
    .replace(/["\\$]/g, (character) => `\\${character}`);
  return `"${name} ${sent}" ${name};`;
}

contract("checkpassword-http", { skip: missing("nginx", "nginx-light"), without: ["locked"] }, async () => {
  const home = makeHome();
  const port = await freePort();
  for (const name of ["nginx", "nginx/tmp"]) mkdirSync(join(home, name));
  const config = join(home, "nginx", "conf");
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${home}/nginx/pid; error_log stderr;
    events {}
    http {
      access_log off;
      ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${home}/nginx/tmp;`).join(" ")}
      map "$http_auth_user $http_auth_pass" $known { volatile; default ""; ${Object.entries(people).map(mapped).join("\n")} }
      map $known $status_ { default OK; "" "Invalid login or password"; }
      map $known $uid_ { default ${uid}; wheel 0; "" ""; }
      server {
        listen 127.0.0.1:${port};
        location = /auth {
          if ($http_x_auth_key != "s3cret") { return 500; }
          add_header Auth-Status $status_ always;
          add_header Auth-Uid $uid_ always;
          return 204;
        }
      }
    }\n`,
  );
  const nginx = await startDaemon(["nginx", "-c", config, "-p", join(home, "nginx"), "-e", "stderr"], port);
  writeFileSync(
    join(home, "control", "checkpassword-http"),
    `url http://127.0.0.1:${port}/auth\nheader X-Auth-Key: s3cret\ntimeout 10\ngid ${gid}\nhome ${home}/home/%u\n`,
  );
  return { home, leave: () => nginx.stop(), stop: () => nginx.stop() };
});

const home = makeHome();
after(() => removeHome(home));

/** Asks a server that is only a function of what it was asked. */
async function ask(serve: (socket: Socket, request: string) => void, more = "") {
  const server = createServer((socket) => {
    let request = "";
    socket.setEncoding("latin1").on("error", () => {});
    socket.on("data", (text: string) => {
      request += text;
      if (request.endsWith("\r\n\r\n")) serve(socket, request);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const settings = `url http://127.0.0.1:${port}/auth?a=b\nuid ${uid}\ngid ${gid}\nhome /srv/%u\n${more}`;
  writeFileSync(join(home, "control", "checkpassword-http"), settings);
  const backend = await openBackend("checkpassword-http", surroundingsOf(home));
  const secret = new Secret(Buffer.from("AlicePw1"));
  try {
    return await backend.verify({ user: "alice", secret, client: "192.0.2.1", timestamp: "<1@x>" }, atOnce);
  } finally {
    server.close();
  }
}

test("what nginx says of a login is said, and what the server knows of the user counts", async () => {
  let asked = "";
  const account = await ask((socket, request) => {
    asked = request;
    socket.end(
      "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-User: al\r\nAuth-Home: /h\r\nAuth-Shell: /s\r\n\r\n",
    );
  });
  assert.deepEqual(account, { user: "al", uid, gid, home: "/h", shell: "/s" });
  assert.match(asked, /^GET \/auth\?a=b HTTP\/1\.0\r\nHost: 127\.0\.0\.1:\d+\r\n/);
  assert.match(asked, /\r\nAuth-Protocol: pop3\r\n/);
  assert.match(asked, /\r\nClient-IP: 192\.0\.2\.1\r\n/);
});

for (const [why, serve, expected, more] of [
  ["closes without an answer", (socket) => socket.end(), /closed the connection/],
  ["speaks SMTP", (socket) => socket.end("220 mx.example ESMTP\r\n\r\n"), /is no HTTP/],
  [
    "has an error",
    (socket) => socket.end("HTTP/1.1 502 Bad\r\n\r\n"),
    /HTTP status 502, without Auth-Status/,
  ],
  [
    "asks to be asked later",
    (socket) => socket.end("HTTP/1.0 200 OK\r\nAuth-Status: busy\r\nAuth-Error-Code: 451\r\n\r\n"),
    /busy/,
  ],
  ["says nothing", () => {}, /no answer within 1 seconds/, "timeout 1\n"],
  ["never ends its header", (socket) => socket.write("a".repeat(20_000)), /is no HTTP/],
] as const satisfies readonly (readonly [string, (socket: Socket) => unknown, RegExp, string?])[]) {
  test(`a server that ${why} knows nothing`, async () => {
    await assert.rejects(ask(serve as (socket: Socket) => void, more), (error: Error) => {
      assert.ok(error instanceof Unable);
      assert.match(error.message, expected);
      return true;
    });
  });
}
