/** The services of the page "How to switch", whole: one home, one queue, a listener for each kind of service. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { type Outcome, root } from "./case.ts";
import { type ChainCase, logOf } from "./chain-case.ts";
import { type Server, startServer, until } from "./chain-server.ts";
import { type DnsServer, serveDns } from "./dns.ts";
import type { Playing } from "./host.ts";
import { Family } from "./idle.ts";
import { Line } from "./line.ts";
import { Player } from "./perform.ts";

const main = ["--disable-warning=ExperimentalWarning", join(root, "src", "main.ts")];

export class Chain {
  readonly #folder = mkdtempSync(join(tmpdir(), "chain-"));
  readonly #home = join(this.#folder, "home");
  readonly #children: ChildProcess[] = [];
  readonly #servers = new Map<string, Promise<Server>>();
  readonly #host: string;
  readonly #dns: DnsServer;
  /** The records of the name server: those of the case that is played. */
  readonly #records: Record<string, string>;
  #queue: Family | undefined;
  #controlFiles = "";

  private constructor(host: string, dns: DnsServer, records: Record<string, string>) {
    this.#host = host;
    this.#dns = dns;
    this.#records = records;
  }

  /** Makes the home with alice and bob and starts its queue. Sessions are in workers (resident) or processes (native). */
  static async open(
    host: "resident" | "native",
    passwords: Readonly<Record<string, string>>,
  ): Promise<Chain> {
    const records: Record<string, string> = {};
    const chain = new Chain(host, await serveDns(records), records);
    chmodSync(chain.#folder, 0o755); // the service's users must get through
    execFileSync(process.execPath, [...main, "acceptutils", "init", chain.#home], {
      stdio: "ignore",
      env: chain.#environment(),
    });
    for (const [name, password] of Object.entries(passwords)) {
      execFileSync(
        process.execPath,
        [...main, "acceptutils", "user", "passwd", name, "--home", chain.#home],
        {
          input: `${password}\n`,
          stdio: ["pipe", "ignore", "inherit"],
          env: chain.#environment(),
        },
      );
    }
    chain.#makeCertificate();
    // Read by qmail-send when it starts; the same in all cases.
    for (const [name, text] of Object.entries({ me: "mail.example.org\n", locals: "example.org\n" }))
      writeFileSync(join(chain.#home, "control", name), text);
    const queue = spawn(join(chain.#home, "bin", "qmail-send"), [], {
      cwd: chain.#home,
      env: chain.#environment(),
      stdio: ["ignore", "ignore", "ignore"],
    });
    chain.#children.push(queue);
    await until(() => existsSync(join(chain.#home, "queue", "socket")));
    chain.#queue = new Family(queue.pid!);
    return chain;
  }

  async close(): Promise<void> {
    const servers = await Promise.all([...this.#servers.values()]);
    for (const child of [...servers.map(({ process }) => process), ...this.#children]) {
      const gone = child.exitCode === null ? once(child, "exit") : undefined;
      child.kill("SIGTERM");
      await gone;
    }
    this.#dns.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Plays one case. The log lines are sorted: the order between processes is not fixed. */
  async perform(played: ChainCase, script: Outcome["steps"]): Promise<Outcome> {
    await this.#prepare(played);
    const server = await this.#serverFor(played);
    const logged = server.log().length;
    const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    const line = Line.of(socket);
    const rest = async (seconds: number) =>
      (await server.family.rest(seconds)) && (await this.#queue!.rest(seconds));
    try {
      const steps = await new Player(this.#playing(socket, line, rest)).play(script);
      if (steps.some((step) => "starttls" in step)) line.close();
      // The server says when it is over; a client that has not left is made to.
      const text = () => server.log().slice(logged);
      await until(() => /: status: 0\/\d+\n(?![\s\S]*: status: [1-9])/.test(text()), 3).catch(() =>
        line.close(),
      );
      await until(() => /: status: 0\//.test(text()), 5).catch(() => {});
      await this.#arrived(played);
      await rest(5);
      return {
        steps,
        exit: 0,
        stderr: logOf(text(), server.port, played),
        files_after: this.#files(played),
      };
    } finally {
      line.close();
      socket.destroy();
    }
  }

  #playing(socket: Socket, client: Line, rest: Playing["family"]["rest"]): Playing {
    return {
      client,
      tls: undefined,
      family: { rest },
      secure: async (protocol, cipher) => {
        if (client.ended) return undefined;
        socket.removeAllListeners("data").removeAllListeners("end");
        const inside = await handshake(socket, protocol, cipher);
        if (inside === undefined) return undefined;
        return {
          line: Line.of(inside),
          protocol: inside.getProtocol() ?? "",
          cipher: inside.getCipher().name,
        };
      },
      ended: () => ({ code: 0 }),
      log: () => "",
      stop: async () => {},
    };
  }

  #environment(): Record<string, string> {
    const { PATH = "", ACCEPTUTILS_TEST_RUN } = process.env;
    return {
      PATH: `${join(this.#home, "bin")}:${PATH}`,
      ACCEPTUTILS_HOME: this.#home,
      ...(ACCEPTUTILS_TEST_RUN ? { ACCEPTUTILS_TEST_RUN } : {}),
    };
  }

  /** An RSA one: the recorded ciphers of TLS 1.2 want it. */
  #makeCertificate(): void {
    const [key, certificate] = [join(this.#folder, "key"), join(this.#folder, "certificate")];
    const words = [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-days",
      "2",
      "-subj",
      "/CN=mail.example.org",
    ];
    execFileSync("openssl", [...words, "-keyout", key, "-out", certificate], { stdio: "ignore" });
    const path = join(this.#home, "control", "servercert.pem");
    writeFileSync(path, readFileSync(key, "latin1") + readFileSync(certificate, "latin1"), { mode: 0o600 });
  }

  /** Control files, name server and alice's mailbox as the case has them. */
  async #prepare(played: ChainCase): Promise<void> {
    for (const name of Object.keys(this.#records)) delete this.#records[name];
    Object.assign(this.#records, played.dns);
    await this.#control(played.control);
    const alice = join(this.#home, "mail", "alice");
    const { uid, gid } = statSync(alice);
    rmSync(join(alice, "Maildir"), { recursive: true, force: true });
    if (played.maildir === undefined && played.service.chain.includes("qmail-pop3d")) return; // there is none
    const make = (path: string) => {
      mkdirSync(path, { mode: 0o700 });
      chownSync(path, uid, gid);
    };
    for (const name of ["", "new", "cur", "tmp"]) make(join(alice, "Maildir", name));
    for (const [name, text] of Object.entries(played.maildir ?? {})) {
      writeFileSync(join(alice, "Maildir", name), text, "latin1");
      chownSync(join(alice, "Maildir", name), uid, gid);
    }
  }

  /** The control files of a case. Most cases have the same. */
  async #control(files: ChainCase["control"]): Promise<void> {
    const wanted = JSON.stringify(files);
    if (this.#controlFiles === wanted) return;
    this.#controlFiles = wanted;
    const control = join(this.#home, "control");
    for (const name of readdirSync(control)) if (name !== "servercert.pem") rmSync(join(control, name));
    for (const [name, text] of Object.entries({ recipients: "alice\nbob\n", ...files }))
      writeFileSync(join(control, name), text, "latin1");
    // For a tenth of a second a worker believes what it has seen of a file.
    if (this.#host === "resident") await later(150);
  }

  #serverFor({ service }: ChainCase): Promise<Server> {
    const key = JSON.stringify([service.listener_argv, service.env, service.chain]);
    const there = this.#servers.get(key);
    if (there !== undefined) return there;
    const place = {
      home: this.#home,
      certificate: join(this.#home, "control", "servercert.pem"),
      env: { ...this.#environment(), ACCEPTUTILS_DNS: this.#dns.address, ACCEPTUTILS_HOST: this.#host },
    };
    const made = startServer(service, place);
    this.#servers.set(key, made);
    return made;
  }

  async #arrived({ delivered_to_alice = [] }: ChainCase): Promise<void> {
    const folder = join(this.#home, "mail", "alice", "Maildir", "new");
    if (delivered_to_alice.length === 0) return;
    await until(() => readdirSync(folder).length >= delivered_to_alice.length, 10).catch(() => {});
  }

  #files({ delivered_to_alice, maildir_after }: ChainCase): Record<string, string> {
    const maildir = join(this.#home, "mail", "alice", "Maildir");
    if ((delivered_to_alice === undefined && maildir_after === undefined) || !existsSync(maildir)) return {};
    const files: [string, string][] = [];
    for (const folder of ["new", "cur"])
      for (const name of readdirSync(join(maildir, folder)).sort())
        files.push([`${folder}/${name}`, readFileSync(join(maildir, folder, name), "latin1")]);
    // A delivery's name says when and where; what counts is the message.
    return Object.fromEntries(
      delivered_to_alice === undefined ? files : files.map(([, text], at) => [`message ${at + 1}`, text]),
    );
  }
}

function handshake(socket: Socket, protocol: string, cipher: string): Promise<TLSSocket | undefined> {
  const version = protocol as "TLSv1.2" | "TLSv1.3";
  const inside = connectTls({
    socket,
    rejectUnauthorized: false,
    minVersion: version,
    maxVersion: version,
    ciphers: cipher,
    servername: "mail.example.org",
  });
  return new Promise((resolve) => {
    inside.once("secureConnect", () => resolve(inside));
    for (const event of ["error", "end", "close"]) inside.once(event, () => resolve(undefined));
  });
}
