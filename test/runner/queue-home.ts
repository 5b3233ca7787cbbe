/** A home folder with a queue and two users, and a qmail-send that is started again whenever it ends. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./case.ts";

/** Numbers for the accounts: ours without root, else some that nobody has. */
const self = process.getuid!();
const ids = { qmaild: 61_901, qmailq: 61_902, qmailr: 61_903, alice: 61_904, bob: 61_905 };
const idOf = (name: keyof typeof ids) => (self === 0 ? ids[name] : self);
const groupOf = (name: keyof typeof ids) => (self === 0 ? ids[name] : process.getgid!());

export class QueueHome {
  readonly path = mkdtempSync(join(tmpdir(), "queue."));
  readonly folder = join(this.path, "queue");
  #sender: ChildProcess | undefined;
  #stopping = false;
  log = "";

  constructor(control: Readonly<Record<string, string>> = {}) {
    chmodSync(this.path, 0o755);
    for (const name of ["control", "users", "queue", "mail", "mail/alice", "mail/bob"])
      mkdirSync(join(this.path, name));
    const files = { me: "mx.example\n", locals: "example.org\n", ...control };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.path, "control", name), text);
    const users = (["alice", "bob"] as const).map((name) => {
      chownSync(join(this.path, "mail", name), idOf(name), groupOf(name));
      return `${name}:*:${idOf(name)}:${groupOf(name)}::mail/${name}:\n`;
    });
    writeFileSync(join(this.path, "users", "passwd"), users.join(""), { mode: 0o600 });
    const accounts = (["qmaild", "qmailq", "qmailr"] as const).map(
      (name) => `${name}:${idOf(name)}:${groupOf(name)}\n`,
    );
    writeFileSync(join(this.path, "users", "accounts"), accounts.join(""));
    chownSync(this.folder, idOf("qmailq"), groupOf("qmailq"));
    chmodSync(this.folder, 0o711);
  }

  get env(): Record<string, string> {
    return { ...(process.env as Record<string, string>), ACCEPTUTILS_HOME: this.path };
  }

  maildir(name: "alice" | "bob"): string {
    return join(this.path, "mail", name, "Maildir");
  }

  /** Starts a program of ours as a process. */
  start(
    name: string,
    stdio: ("pipe" | "ignore")[],
    env: Readonly<Record<string, string>> = {},
  ): ChildProcess {
    return spawn(join(root, "build", "bin", name), [], {
      stdio,
      env: { ...this.env, ...env },
      cwd: this.path,
    });
  }

  /** Keeps a qmail-send running until end(). */
  keepSending(env: Readonly<Record<string, string>> = {}): void {
    const sender = this.start("qmail-send", ["ignore", "ignore", "pipe"], env);
    sender.stderr!.setEncoding("latin1").on("data", (text: string) => {
      this.log += text;
    });
    sender.on("exit", () => {
      if (!this.#stopping) this.keepSending(env);
    });
    this.#sender = sender;
  }

  /** The processes of qmail-send: itself, and those it has started. */
  processes(): number[] {
    const all: number[] = [];
    const add = (pid: number) => {
      all.push(pid);
      for (const child of childrenOf(pid)) add(child);
    };
    if (this.#sender?.pid !== undefined) add(this.#sender.pid);
    return all;
  }

  async end(): Promise<void> {
    this.#stopping = true;
    const sender = this.#sender;
    if (sender !== undefined && sender.exitCode === null && sender.signalCode === null) {
      sender.kill("SIGTERM");
      await once(sender, "exit");
    }
    rmSync(this.path, { recursive: true, force: true });
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
  } catch {
    return []; // it has ended
  }
}

/** Resolves when `test` holds. Throws when it does not within `seconds`. */
export async function until(what: string, seconds: number, test: () => boolean): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !test(); ) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
