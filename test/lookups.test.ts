/** What servers find out about both ends of a connection: names in the DNS, and the user whom an ident server tells. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root } from "./runner/case.ts";
import { type DnsServer, serveDns } from "./runner/dns.ts";

let dns: DnsServer;
const running = new Set<ChildProcess>();
before(async () => {
  dns = await serveDns({
    "7.2.0.192.in-addr.arpa/PTR": "client.example",
    "client.example/A": "192.0.2.7",
    "8.2.0.192.in-addr.arpa/PTR": "client.example",
    "1.2.0.192.in-addr.arpa/PTR": "mx.example",
    "9.2.0.192.in-addr.arpa/PTR": "<SERVFAIL>",
    "10.2.0.192.in-addr.arpa/PTR": "not a name",
  });
});
after(() => {
  dns.close();
  for (const child of running) child.kill("SIGKILL");
});

function start(words: readonly string[], env: Record<string, string>): ChildProcess {
  const marked = process.env["ACCEPTUTILS_TEST_RUN"];
  const [program = "", ...args] = words;
  const child = spawn(process.execPath, [join(root, "build", "app.cjs"), program, ...args], {
    env: {
      PATH: `${join(root, "build", "bin")}:/usr/bin:/bin`,
      ACCEPTUTILS_DNS: dns.address,
      ...env,
      ...(marked && { ACCEPTUTILS_TEST_RUN: marked }),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  child.on("exit", () => running.delete(child));
  return child;
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** The variables that a server gives to a client of that address, for whom a proxy speaks. */
async function environmentBy(options: readonly string[], client: string): Promise<string> {
  const words = ["tcpserver", "-1", ...options, "127.0.0.1", "0", "env"];
  const child = start(words, { ACCEPTUTILS_PROXIES: "127.0.0.0/8" });
  const port = Number((await once(child.stdout!, "data"))[0]);
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.write(`PROXY TCP4 ${client} 192.0.2.1 4000 25\r\n`);
  const env = await textOf(socket);
  socket.destroy();
  child.kill("SIGTERM");
  await once(child, "close");
  return env;
}

for (const [what, options, client, names] of [
  ["both ends have names", ["-R"], "192.0.2.7", ["TCPLOCALHOST=mx.example", "TCPREMOTEHOST=client.example"]],
  [
    "-p: a name that leads back",
    ["-Rp"],
    "192.0.2.7",
    ["TCPLOCALHOST=mx.example", "TCPREMOTEHOST=client.example"],
  ],
  ["-p: a name that leads elsewhere", ["-Rp"], "192.0.2.8", ["TCPLOCALHOST=mx.example"]],
  [
    "without -p it is believed",
    ["-R"],
    "192.0.2.8",
    ["TCPLOCALHOST=mx.example", "TCPREMOTEHOST=client.example"],
  ],
  ["-H: the client's is not asked for", ["-RH"], "192.0.2.7", ["TCPLOCALHOST=mx.example"]],
  ["-l: ours is given", ["-RHl", "here"], "192.0.2.7", ["TCPLOCALHOST=here"]],
  ["a DNS server that fails", ["-R"], "192.0.2.9", ["TCPLOCALHOST=mx.example"]],
  ["what is no name", ["-R"], "192.0.2.10", ["TCPLOCALHOST=mx.example"]],
] as const) {
  test(`tcpserver: ${what}`, async () => {
    const env = await environmentBy(options, client);
    assert.deepEqual(env.match(/^TCP(LOCAL|REMOTE)HOST=.*$/gm)?.sort(), names);
  });
}

/** What s6-tcpserver-access makes of a connection, and its exit code. */
async function access(options: readonly string[], remoteIp: string, localIp = "192.0.2.1") {
  const child = start(["s6-tcpserver-access", "-v3", ...options, "env"], {
    PROTO: "TCP",
    TCPLOCALIP: localIp,
    TCPLOCALPORT: "25",
    TCPREMOTEIP: remoteIp,
    TCPREMOTEPORT: "4000",
  });
  const [env, log, [code]] = await Promise.all([
    textOf(child.stdout!),
    textOf(child.stderr!),
    once(child, "close") as Promise<[number]>,
  ]);
  return { found: env.match(/^TCP(LOCALHOST|REMOTEHOST|REMOTEINFO)=.*$/gm)?.sort() ?? [], log, code };
}

for (const [what, options, client, names, code] of [
  ["names", [], "192.0.2.7", ["TCPLOCALHOST=mx.example", "TCPREMOTEHOST=client.example"], 0],
  ["-p", ["-p"], "192.0.2.8", ["TCPLOCALHOST=mx.example"], 0],
  ["-H", ["-H"], "192.0.2.7", [], 0],
  ["-H -l", ["-H", "-l", "here"], "192.0.2.7", ["TCPLOCALHOST=here"], 0],
  ["trouble is a warning", [], "192.0.2.9", ["TCPLOCALHOST=mx.example"], 0],
  ["-w: trouble is the end", ["-w"], "192.0.2.9", [], 111],
  [
    "-h: /etc/hosts comes first",
    ["-h"],
    "127.0.0.1",
    ["TCPLOCALHOST=mx.example", "TCPREMOTEHOST=localhost"],
    0,
  ],
] as const) {
  test(`s6-tcpserver-access: ${what}`, async () => {
    const { found, log, code: ended } = await access(options, client);
    assert.deepEqual([found, ended], [names, code], log);
    assert.equal(/unable to look up 9\.2\.0\.192/.test(log), client === "192.0.2.9");
  });
}

const onlyRoot = process.getuid!() === 0 ? false : "only root can listen on port 113";

test("ident: the client's machine says who it is, for each server", { skip: onlyRoot }, async () => {
  const questions: string[] = [];
  const ident = createServer((socket) => {
    socket.once("data", (question) => {
      questions.push(String(question));
      const ports = String(question).trim();
      socket.end(
        ports.startsWith("4000") ? `${ports} : USERID : UNIX : joe\r\n` : `${ports} : ERROR : NO-USER\r\n`,
      );
    });
  });
  ident.listen(113, "127.0.113.7");
  await once(ident, "listening");
  try {
    const { found } = await access(["-H", "-r"], "127.0.113.7", "127.0.0.1");
    assert.deepEqual(found, ["TCPREMOTEINFO=joe"]);
    assert.deepEqual(questions, ["4000 , 25\r\n"]);
    const nobody = await access(["-H", "-r"], "127.0.113.8", "127.0.0.1");
    assert.deepEqual([nobody.found, nobody.code], [[], 0]);
    assert.equal((await access(["-H", "-r", "-w"], "127.0.113.8", "127.0.0.1")).code, 111);
    const child = start(["tcpserver", "-1rHl0", "127.0.0.1", "0", "env"], {});
    const port = Number((await once(child.stdout!, "data"))[0]);
    const socket = connect({ port, host: "127.0.0.1", localAddress: "127.0.113.7", localPort: 40_001 });
    const env = await textOf(socket);
    assert.match(env, /^TCPREMOTEINFO=joe$/m);
    child.kill("SIGTERM");
    await once(child, "close");
  } finally {
    ident.close();
  }
});
