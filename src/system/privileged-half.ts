/**
 * What stays of a program when it gives up being root: a shell that runs one program, with a few facts and the octets
 * for its descriptor 3, as often as it is asked to, and says how it ended. It reads nothing that a client sent but those
 * octets, which it hands on without a look.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import type { Child, Ended, SpawnOptions } from "./system.ts";

export interface PrivilegedHalfOptions {
  /** The one program it runs. */
  readonly argv: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  /** Where the conversation goes on in TLS: what the program then gets as 0 and 1. */
  readonly tls: { readonly read: number; readonly write: number } | undefined;
}

/** Descriptors: 3 the questions and answers, 4 and 5 the conversation in TLS, 6 in clear. */
const script = `
exec 6<&0 </dev/null
while read -r octets secured <&3; do
  case $octets in ''|*[!0123456789]*) exit 111;; esac
  (
    while IFS= read -r fact <&3 && [ -n "$fact" ]; do
      name=\${fact%%=*}
      case $name in *[!ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_]*) exit 111;; esac
      case $name in AUTHUP_USER|SSL_?*) export "$fact";; *) exit 111;; esac
    done
    unset name fact
    if [ "$secured" = 1 ]
    then head -c "$octets" <&3 | "$@" 3<&0 0<&4 1>&5 4<&- 5>&- 6<&-
    else head -c "$octets" <&3 | "$@" 3<&0 0<&6 4<&- 5>&- 6<&-
    fi
  )
  echo $? >&3
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

  /** Runs it, with what `env` says of the user and of TLS, and the octets wired to descriptor 3. */
  ask(env: ReadonlyMap<string, string>, { wires }: SpawnOptions, secured: boolean): Child {
    const wire = wires[3];
    const octets = wire !== undefined && "bytes" in wire ? wire.bytes : new Uint8Array();
    const facts = [...env]
      .filter(([name, value]) => /^(?:AUTHUP_USER|SSL_[A-Z0-9_]+)$/.test(name) && !/[\0\n]/.test(value))
      .map(([name, value]) => `${name}=${value}\n`);
    const head = Buffer.from(`${octets.length} ${secured ? 1 : 0}\n${facts.join("")}\n`);
    const request = Buffer.concat([head, octets]);
    this.#channel.write(request, () => request.fill(0));
    const ended = this.#answer();
    return {
      pid: this.#child.pid ?? 0,
      output: notWired,
      input: notWired,
      wait: () => ended,
      kill: () => {}, // it is not ours to kill
    };
  }

  async #answer(): Promise<Ended> {
    let said = "";
    for (;;) {
      const chunk = await nextChunk(this.#channel);
      if (chunk === undefined) return { code: temporary };
      said += chunk;
      if (!said.endsWith("\n")) continue;
      const code = Number(said);
      if (code > killed && code <= lastSignal) return { signal: `signal ${code - killed}` };
      return { code: code === cannotRun || code === notThere ? temporary : code };
    }
  }
}

function notWired(descriptor: number): never {
  throw new RangeError(`descriptor ${descriptor} of the child is no pipe of ours`);
}

/** What arrives next; undefined at the end. */
function nextChunk(channel: Duplex): Promise<string | undefined> {
  return new Promise((resolve) => {
    const settle = (chunk?: Buffer) => {
      channel.pause();
      channel.off("data", settle).off("end", settle).off("close", settle);
      resolve(chunk?.toString("latin1"));
    };
    channel.on("data", settle).on("end", settle).on("close", settle);
    channel.resume();
  });
}
