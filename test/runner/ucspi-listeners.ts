/** Plays what clients and programs did under a server that offers TLS: ucspi-tls.json. The program is test/stubs/probe.pl. */
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
import { join, resolve } from "node:path";
import { connect as connectTls } from "node:tls";
import { root } from "./case.ts";

export type Step =
  | { readonly send: string }
  | { readonly expect: string }
  | { readonly starttls: true; readonly protocol: "TLSv1.2" | "TLSv1.3"; readonly cipher: string }
  | { readonly shutdown: true }
  | { readonly close: true }
  | { readonly eof: true }
  | { readonly error: string };

/** One thing the program noted. */
export interface Note {
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

export interface ListenerCase {
  readonly name: string;
  readonly listener: "ucspi-ssl" | "s6";
  readonly listener_options: readonly string[];
  readonly steps: readonly Step[];
  readonly program_saw: readonly Note[];
  readonly log: readonly string[];
}

export interface Server {
  readonly child: ChildProcess;
  port: number;
  log: string;
}

/** A certificate, a program that notes what it sees, and servers, one for all cases with the same command. */
export class UcspiListeners {
  readonly folder = mkdtempSync(join(tmpdir(), "ucspi-tls."));
  readonly notes = join(this.folder, "notes");
  readonly probe = join(this.folder, "probe.pl");
  readonly certificate = join(this.folder, "cert.pem");
  readonly key = join(this.folder, "key.pem");
  /** The folder of our programs, which is first in PATH. */
  readonly bin = join(root, "build", "bin");
  readonly environment: Readonly<Record<string, string>> = {
    PATH: `${this.bin}:${process.env["PATH"]}`,
    UCSPITLS: "",
    CERTFILE: this.certificate,
    KEYFILE: this.key,
    ...(process.env["ACCEPTUTILS_TEST_RUN"] && {
      ACCEPTUTILS_TEST_RUN: process.env["ACCEPTUTILS_TEST_RUN"],
    }),
  };
  readonly #servers = new Map<string, Server>();

  constructor() {
    chmodSync(this.folder, 0o755);
    copyFileSync(join(root, "test", "stubs", "probe.pl"), this.probe);
    writeFileSync(this.key, "", { mode: 0o600 });
    writeFileSync(this.certificate, "", { mode: 0o644 });
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail.example.org"],
        ...["-keyout", this.key, "-out", this.certificate],
      ],
      { stdio: "ignore" },
    );
  }

  async close(): Promise<void> {
    for (const { child } of this.#servers.values()) {
      child.kill("SIGTERM");
      // A session that a failed test has left open is not waited for.
      const late = setTimeout(() => child.kill("SIGKILL"), 3000);
      await once(child, "exit");
      clearTimeout(late);
    }
    rmSync(this.folder, { recursive: true });
  }

  /** A server, of ours unless its path is told, which prints its port and then logs `status: 0`. */
  async running(
    name: string,
    words: readonly string[],
    env: Record<string, string | undefined>,
  ): Promise<Server> {
    const command = [name, ...words, JSON.stringify(env)].join(" ");
    const there = this.#servers.get(command);
    if (there !== undefined) return there;
    const child = spawn(resolve(this.bin, name), words, {
      env: { ...this.environment, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const server = { child, port: 0, log: "" };
    this.#servers.set(command, server);
    child.stderr.on("data", (text) => (server.log += text));
    server.port = Number((await once(child.stdout, "data"))[0]);
    await logged(server, /status: 0/);
    return server;
  }

  /** Plays a case; resolves to what the program noted. The log is in `server.log`. */
  async play({ steps }: ListenerCase, server: Server): Promise<Note[]> {
    writeFileSync(this.notes, "", { mode: 0o666 });
    chmodSync(this.notes, 0o666);
    truncateSync(this.notes);
    server.log = "";
    await converse(server.port, steps);
    await logged(server, /status: 0/);
    return noted(this.notes, server.port);
  }
}

export async function logged(server: Server, pattern: RegExp): Promise<void> {
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

function noted(file: string, port: number): Note[] {
  return readFileSync(file, "latin1")
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
