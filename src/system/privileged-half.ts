/**
 * What stays of a program when it gives up being root: a shell that runs one program, with a few facts and the octets
 * for its descriptor 3, as often as it is asked to, and says how it ended. It reads nothing that a client sent but those
 * octets, which it hands on without a look.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { answersVariable } from "../protocol/checkpassword/conversation.ts";
import { wipeable } from "../protocol/wipeable.ts";
import { Pipe } from "./pipe.ts";
import { type Child, Closed, type Ended, type Output, type SpawnOptions } from "./system.ts";

export interface PrivilegedHalfOptions {
  /** The one program it runs. */
  readonly argv: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  /** Where the conversation goes on in TLS: what the program then gets as 0 and 1. */
  readonly tls: { readonly read: number; readonly write: number } | undefined;
}

/**
 * Descriptors: 3 the questions and answers, 4 and 5 the conversation in TLS, 6 in clear, 8 the log: a shell has words of its
 * own when a signal ends a program, which belong nowhere. A question is `OCTETS SECURED` and
 * facts up to an empty line, then the octets; or `talk SECURED` and facts, then what the program is told, a line of
 * octal numbers each time, up to a line of one dot. What the program says then comes as it is, on our descriptor 3; when
 * it has ended, its exit code follows, on a line. Lines that are no question were meant for a program that is gone.
 */
const script = `
exec 6<&0 8>&2 </dev/null 2>/dev/null
run() {
  if [ "$secured" = 1 ]
  then exec "$@" 3<&0 0<&4 1>&5 2>&8 4<&- 5>&- 6<&- 8>&-
  else exec "$@" 3<&0 0<&6 2>&8 4<&- 5>&- 6<&- 8>&-
  fi
}
while read -r how secured <&3; do
  case $how in talk) ;; ''|*[!0123456789]*) continue;; esac
  (
    while IFS= read -r fact <&3 && [ -n "$fact" ]; do
      name=\${fact%%=*}
      case $name in *[!ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_]*) exit 111;; esac
      case $name in AUTHUP_USER|SSL_?*) export "$fact";; *) exit 111;; esac
    done
    unset name fact
    if [ "$how" = talk ]; then
      export ${answersVariable}=7
      { trap '' PIPE
        while read -r line <&3 && [ "$line" != . ]; do printf %b "$line" 2>/dev/null; done
      } | { (run "$@" 7>&3); echo $? >&3; }
      exit 0
    fi
    head -c "$how" <&3 | run "$@"
  )
  ended=$?
  [ "$how $ended" = "talk 0" ] || echo $ended >&3
done
`;

/** What sh says when there is no such program, and when one of 64 signals ended it. */
const [cannotRun, notThere, killed, lastSignal] = [126, 127, 128, 192];
/** checkpassword's own code for a program that cannot be run. */
const temporary = 111;

export class PrivilegedHalf {
  readonly #argv: readonly string[];
  readonly #child: ChildProcess;
  readonly #channel: Duplex;
  /** Of what was asked last. */
  #ended: Promise<unknown> = Promise.resolve();

  private constructor(argv: readonly string[], child: ChildProcess) {
    this.#argv = argv;
    this.#child = child;
    this.#channel = child.stdio[3] as Duplex;
    this.#channel.on("error", () => {}); // seen as its end
    child.unref();
  }

  static async start({ argv, env, tls }: PrivilegedHalfOptions): Promise<PrivilegedHalf> {
    const child = spawn("/bin/sh", ["-c", script, "authup", ...argv], {
      stdio: [0, 1, 2, "pipe", tls?.read ?? "ignore", tls?.write ?? "ignore"],
      env: Object.fromEntries(env),
    });
    await once(child, "spawn");
    return new PrivilegedHalf(argv, child);
  }

  /** True for the words that it runs. */
  runs(argv: readonly string[]): boolean {
    return argv.length === this.#argv.length && argv.every((word, at) => word === this.#argv[at]);
  }

  /** Runs it, with what `env` says of the user and of TLS, and the octets wired to descriptor 3, or a conversation there. */
  ask(env: ReadonlyMap<string, string>, { wires }: SpawnOptions, secured: boolean): Child {
    const wire = wires[3];
    const octets = wire !== undefined && "bytes" in wire ? wire.bytes : new Uint8Array();
    const talks = wire !== undefined && "both" in wire;
    const facts = [...env]
      .filter(([name, value]) => /^(?:AUTHUP_USER|SSL_[A-Z0-9_]+)$/.test(name) && !/[\0\n]/.test(value))
      .map(([name, value]) => `${name}=${value}\n`);
    const head = Buffer.from(`${talks ? "talk" : octets.length} ${secured ? 1 : 0}\n${facts.join("")}\n`);
    const request = Buffer.concat([head, octets]);
    const answers = new Pipe();
    // One question after the other: one that was given up must end first.
    const asked = this.#ended.then(() => write(this.#channel, request));
    const told = talks ? new Told(this.#channel, asked) : undefined;
    const ended = asked
      .then(() => this.#answer(answers))
      .finally(async () => {
        told?.close();
        await told?.flush();
      });
    this.#ended = ended;
    return {
      pid: this.#child.pid ?? 0,
      output: (descriptor) => (descriptor === 3 && told !== undefined ? told : notWired(descriptor)),
      input: (descriptor) => (descriptor === 3 && talks ? answers.reader : notWired(descriptor)),
      wait: () => ended,
      kill: () => {}, // it is not ours to kill
    };
  }

  /** Takes what the program says, netstrings, for `answers`, until its exit code comes. */
  async #answer(answers: Pipe): Promise<Ended> {
    let said: Buffer = Buffer.alloc(0);
    for (;;) {
      const chunk = await nextChunk(this.#channel);
      if (chunk === undefined) break;
      said = Buffer.concat([said, chunk]);
      for (let octets = netstringAt(said); octets > 0 && octets <= said.length; octets = netstringAt(said)) {
        void answers.write(said.subarray(0, octets));
        said = said.subarray(octets);
      }
      const code = Number(/^(\d{1,3})\n/.exec(said.toString("latin1", 0, 4))?.[1] ?? Number.NaN);
      if (Number.isNaN(code)) continue;
      answers.close();
      if (code > killed && code <= lastSignal) return { signal: `signal ${code - killed}` };
      return { code: code === cannotRun || code === notThere ? temporary : code };
    }
    answers.close();
    return { code: temporary };
  }
}

/** How long the netstring is that `bytes` begin with, in octets; 0: they do not, as far as it came. */
function netstringAt(bytes: Buffer): number {
  const [head, length] = /^(\d{1,6}):/.exec(bytes.toString("latin1", 0, 7)) ?? [];
  return head === undefined ? 0 : head.length + Number(length) + 1;
}

/** What a program is told, that the shell passes on. */
class Told implements Output {
  readonly #channel: Duplex;
  #last: Promise<void>;
  #closed = false;

  constructor(channel: Duplex, asked: Promise<void>) {
    this.#channel = channel;
    this.#last = asked;
  }

  write(bytes: Uint8Array): Promise<void> {
    const line = wipeable(5 * bytes.length + 1);
    bytes.forEach((octet, at) => {
      line.set([backslash, zero, zero + (octet >> 6), zero + ((octet >> 3) & 7), zero + (octet & 7)], 5 * at);
    });
    line[line.length - 1] = lineFeed;
    return this.#say(line);
  }

  flush(): Promise<void> {
    return this.#last;
  }

  close(): void {
    if (this.#closed) return;
    void this.#say(Buffer.from(".\n"));
    this.#closed = true;
  }

  #say(line: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.reject(new Closed());
    this.#last = this.#last.then(() => write(this.#channel, line));
    return this.#last;
  }
}

const [backslash, zero, lineFeed] = [0x5c, 0x30, 0x0a];

/** Resolves when it is written, and wiped. */
function write(channel: Duplex, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    channel.write(bytes, () => {
      bytes.fill(0);
      resolve();
    });
  });
}

function notWired(descriptor: number): never {
  throw new RangeError(`descriptor ${descriptor} of the child is no pipe of ours`);
}

/** What arrives next; undefined at the end. */
function nextChunk(channel: Duplex): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const settle = (chunk?: Buffer) => {
      channel.pause();
      channel.off("data", settle).off("end", settle).off("close", settle);
      resolve(chunk);
    };
    channel.on("data", settle).on("end", settle).on("close", settle);
    channel.resume();
  });
}
