/**
 * Plays the golden transcripts of what a program sees from sslserver -n: its environment, the control socket, the reply
 * to Y, the ends; and what the listener logs. The program is a foreign one: test/stubs/probe.pl.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { casesOf, root } from "./runner/case.ts";

type Step =
  | { readonly send: string }
  | { readonly expect: string }
  | { readonly starttls: true; readonly protocol: "TLSv1.2" | "TLSv1.3"; readonly cipher: string }
  | { readonly shutdown: true }
  | { readonly close: true }
  | { readonly eof: true }
  | { readonly error: string };

/** One thing the program noted. */
interface Note {
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
  readonly gid?: number;
  readonly line?: string;
  readonly ctl_eof?: true;
  readonly env_block?: readonly string[];
  readonly env_block_ends_with_two_nuls?: boolean;
  readonly env_block_length_class?: string;
  readonly eof?: true;
  readonly exit?: number;
}

interface ListenerCase {
  readonly name: string;
  readonly listener: "ucspi-ssl" | "s6";
  readonly listener_options: readonly string[];
  readonly steps: readonly Step[];
  readonly program_saw: readonly Note[];
  readonly log: readonly string[];
}

const folder = mkdtempSync(join(tmpdir(), "ucspi-tls."));
chmodSync(folder, 0o755);
const notes = join(folder, "notes");
const probe = join(folder, "probe.pl");
copyFileSync(join(root, "test", "stubs", "probe.pl"), probe);
const certificate = join(folder, "cert.pem");
for (const [at, name] of ["key.pem", "cert.pem"].entries())
  writeFileSync(join(folder, name), "", { mode: at ? 0o644 : 0o600 });
execFileSync(
  "openssl",
  [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail.example.org"],
    ...["-keyout", join(folder, "key.pem"), "-out", certificate],
  ],
  { stdio: "ignore" },
);

interface Server {
  readonly child: ChildProcess;
  port: number;
  log: string;
}
const servers = new Map<string, Server>();
after(async () => {
  for (const { child } of servers.values()) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  rmSync(folder, { recursive: true });
});

/** One server for all cases with the same options. */
async function serverWith(options: readonly string[]): Promise<Server> {
  const key = options.join(" ");
  const there = servers.get(key);
  if (there !== undefined) return there;
  const words = ["-1vneRHl0", "-c40", ...options, "127.0.0.1", "0", "env", `NOTES=${notes}`, probe];
  const child = spawn(join(root, "build", "bin", "sslserver"), words, {
    env: {
      PATH: process.env["PATH"],
      UCSPITLS: "",
      CERTFILE: certificate,
      KEYFILE: join(folder, "key.pem"),
      ...(process.env["ACCEPTUTILS_TEST_RUN"] && {
        ACCEPTUTILS_TEST_RUN: process.env["ACCEPTUTILS_TEST_RUN"],
      }),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const server = { child, port: 0, log: "" };
  servers.set(key, server);
  child.stderr.on("data", (text) => (server.log += text));
  server.port = Number((await once(child.stdout, "data"))[0]);
  await logged(server, /status: 0/);
  return server;
}

async function logged(server: Server, pattern: RegExp): Promise<void> {
  while (!pattern.test(server.log)) await once(server.child.stderr!, "data");
}

/** What the client hears, until it has heard `text`; all of it when the connection ends first. */
class Ear {
  #heard = "";
  #ended = false;
  #wake = () => {};

  listenTo(socket: Socket): void {
    socket.on("data", (bytes) => {
      this.#heard += bytes.toString("latin1");
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    socket.on("close", end).on("end", end).on("error", end);
  }

  async hears(text: string): Promise<string> {
    while (this.#heard.length < text.length && !this.#ended) await this.#news();
    const heard = this.#heard.slice(0, text.length);
    this.#heard = this.#heard.slice(text.length);
    return heard;
  }

  async end(): Promise<void> {
    while (!this.#ended) await this.#news();
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

async function converse(port: number, steps: readonly Step[]): Promise<void> {
  let socket: Socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  let ear = new Ear();
  ear.listenTo(socket);
  for (const step of steps) {
    if ("send" in step) socket.write(step.send, "latin1");
    else if ("expect" in step) assert.equal(await ear.hears(step.expect), step.expect);
    else if ("starttls" in step) {
      const { protocol, cipher } = step;
      const versions = { minVersion: protocol, maxVersion: protocol, ciphers: cipher };
      socket.removeAllListeners("data");
      const tls = connectTls({ socket, ...versions, rejectUnauthorized: false });
      await once(tls, "secureConnect");
      assert.deepEqual([tls.getProtocol(), tls.getCipher().name], [protocol, cipher]);
      socket = tls;
      ear = new Ear();
      ear.listenTo(tls);
    } else if ("shutdown" in step) socket.end();
    else if ("close" in step) socket.destroy();
    else await ear.end();
  }
  socket.destroy();
}

/** What differs from run to run, as the recorder named it. */
const placeholders: readonly [RegExp, string][] = [
  [/^(SSL_SESSION_ID=).*/s, "<HEX>"],
  [/^(SSL_VERSION_LIBRARY=).+/s, "<LIBRARY>"],
  [/^(SSL_SERVER_M_SERIAL=)[0-9A-F]+$/s, "<SERIAL>"],
  [/^(SSL_SERVER_V_(?:START|END)=)\w{3} [ \d]\d [\d:]{8} \d{4} GMT$/s, "<CERTDATE>"],
  [/^(SSL_TLS_EXPORTER=)[0-9a-f]{64}$/s, "<HEX>"],
  [/^(SSL_SERVER_CERT=)-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----\n$/s, "<PEM>"],
];
const general = (variable: string) =>
  placeholders.reduce((text, [pattern, name]) => text.replace(pattern, `$1${name}`), variable);

function noted(port: number): Note[] {
  return readFileSync(notes, "latin1")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Note)
    .map((note) => ({
      ...note,
      ...(note.env_block && { env_block: note.env_block.map(general) }),
      ...(note.env && { env: connectionOf(note.env, port) }),
    }));
}

/** The variables that tell of the connection. */
function connectionOf(env: Readonly<Record<string, string>>, port: number): Record<string, string> {
  const told = Object.entries(env).filter(([name]) => /^(UCSPITLS$|PROTO$|SSL|TCP)/.test(name));
  return Object.fromEntries(
    told.map(([name, value]) => {
      if (/^SSL(CTL|READ|WRITE)FD$/.test(name)) return [name, /^\d+$/.test(value) ? "<FD>" : value];
      if (name.endsWith("REMOTEPORT")) return [name, "<PORT>"];
      return [name, value === String(port) ? "21900" : value];
    }),
  );
}

/** The recording, with what we do otherwise: docs/specifications.md, sslserver-status, -command-byte and others. */
function wanted({ program_saw, log, steps, listener_options }: ListenerCase): {
  notes: Note[];
  log: string[];
} {
  const secured = steps.some((step) => "starttls" in step);
  const code = program_saw.find((note) => note.exit !== undefined)?.exit ?? 7;
  const unknown = program_saw.some((note) => note.line === "STARTTLS X");
  const why = unknown ? "unrecognized command on control socket" : "unable to accept SSL: <WHY>";
  return {
    notes: program_saw
      .map(withBinding)
      .map(({ env_block_length_class: _, ...note }) =>
        note.env === undefined || listener_options.length > 0
          ? note
          : { ...note, uid: process.getuid!(), gid: process.getgid!() },
      ),
    log: log
      .filter((line) => secured || !/ ssl <PID> accept $/.test(line))
      .map((line) => line.replace(/(end <PID> status ).*/, `$1${code * 256}`))
      .map((line) => line.replace(/(dropping SSL connection, ).*/, `$1${why}`)),
  };
}

/** docs/specifications.md, sslserver-channel-binding */
const withBinding = (note: Note): Note =>
  note.env_block === undefined || note.env_block.length === 0
    ? note
    : { ...note, env_block: [...note.env_block, "SSL_TLS_EXPORTER=<HEX>"] };

const generalLog = (log: string, port: number) =>
  log
    .replace(/^sslserver: session .*\n/gm, "")
    .replace(/^(sslserver: (?:pid|ok|ssl|end)) \d+/gm, "$1 <PID>")
    .replace(new RegExp(`(127\\.0\\.0\\.1):${port} `), "$1:21900 ")
    .replace(/(ok .*):\d+$/gm, "$1:<PORT>")
    .replace(/(unable to accept SSL: ).+/g, "$1<WHY>")
    .trimEnd()
    .split("\n");

const isRoot = process.getuid!() === 0;
/** Without root the programs run as we do; as root, and told nobody, as one who may do nothing. */
const asWe = isRoot ? ["-u", "7792", "-g", "2108"] : [];

for (const played of casesOf<ListenerCase>("ucspi-tls")) {
  test(`golden ucspi-tls: ${played.name}`, async (t) => {
    if (played.listener === "s6") return t.skip("s6-tcpserver and s6-ucspitlsd are not ours yet");
    const own = played.listener_options.length > 0;
    if (own && !isRoot) return t.skip("needs root, to become somebody else");
    const server = await serverWith(own ? played.listener_options : asWe);
    writeFileSync(notes, "", { mode: 0o666 });
    chmodSync(notes, 0o666);
    truncateSync(notes);
    server.log = "";
    await converse(server.port, played.steps);
    await logged(server, /status: 0/);
    const expected = wanted(played);
    const seen = noted(server.port).map((note) =>
      own || note.env === undefined ? note : { ...note, uid: process.getuid!(), gid: process.getgid!() },
    );
    assert.deepEqual(seen, expected.notes);
    assert.deepEqual(generalLog(server.log, server.port), expected.log);
    return undefined;
  });
}
