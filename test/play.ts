/**
 * Dialogues as tests: what the client says (C:), what the program answers (S:), played against a real program
 * in the resident host, once for every way in which the network may cut what the client sent.
 *
 *     S: 220 mx.example ESMTP
 *     C: QUIT
 *     S: 221 mx.example
 *
 * Each line ends CR LF on the wire; one that ends in a backslash has no line end. `(TLS)` is the handshake that
 * the program asked for, `(EOF)` the end of what the client sends, `(END)` that of what the program sends.
 * `<PID>`, `<TIME>` and `<DATE>` in an S: line stand for any number, any number, and any date of the message format.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { launcherText } from "../src/system/launchers.ts";
import { Pipe } from "../src/system/pipe.ts";
import { runResident } from "../src/system/resident-host.ts";
import { type Ended, type Input, type Program, TlsFailed } from "../src/system/system.ts";

export interface Scene {
  /** The programs by name: the one that is played, and stand-ins for those that it runs. */
  readonly programs: Readonly<Record<string, Program>>;
  /** The command line. */
  readonly argv: readonly string[];
  /** The environment; PATH and ACCEPTUTILS_HOME are added. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files in the home folder by name, such as `control/me`; made anew for each playing. */
  readonly files?: Readonly<Record<string, string>>;
  /** What the server says of the handshake; null when it fails, false when it is not offered. */
  readonly tls?: Readonly<Record<string, string>> | null | false;
  /** How it ends, when that matters. */
  readonly exit?: number;
  /** All log lines, when they matter; `<PID>` as in the dialogue. */
  readonly log?: readonly string[];
  /** `whole`: only in one piece; for dialogues that are about something else. */
  readonly cuts?: "every" | "whole";
  /** Called after each playing, with its home folder. */
  readonly after?: (home: string) => void;
}

/** The same bytes as the network might deliver them: whole, in two at every point, byte by byte. */
export function* cuts(bytes: Uint8Array): Generator<Uint8Array[]> {
  yield [bytes];
  for (let at = 1; at < bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)];
  yield Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}

type Turn = { readonly client: Buffer } | { readonly server: string } | { readonly event: string };

/** Plays `dialogue` in every cut. Throws an AssertionError that shows both transcripts where they differ. */
export async function play(dialogue: string, scene: Scene): Promise<void> {
  const turns = parse(dialogue);
  const home = mkdtempSync(join(tmpdir(), "acceptutils-play."));
  try {
    await playOnce(turns, scene, home, (bytes) => [bytes]);
    if (scene.cuts === "whole") return;
    for (const turn of turns) {
      if (!("client" in turn)) continue;
      // The first way is the whole, which was played.
      for (const pieces of [...cuts(turn.client)].slice(1)) {
        await playOnce(turns, scene, home, (bytes) => (bytes === turn.client ? pieces : [bytes]));
      }
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function parse(dialogue: string): Turn[] {
  const turns: Turn[] = [];
  for (const written of dialogue.split("\n")) {
    const [, who, text, event] = /^\s*(?:([CS]):(?: (.*))?|\((\w+)\))$/s.exec(written) ?? [];
    if (event !== undefined) turns.push({ event });
    else if (who === undefined) assert.equal(written.trim(), "", `not a line of a dialogue: ${written}`);
    else addLine(turns, who, text ?? "");
  }
  return turns;
}

function addLine(turns: Turn[], who: string, text: string): void {
  const wire = text.endsWith("\\") ? text.slice(0, -1) : text + "\r\n";
  const last = turns.at(-1);
  if (who === "S") {
    if (last !== undefined && "server" in last) turns[turns.length - 1] = { server: last.server + wire };
    else turns.push({ server: wire });
    return;
  }
  const bytes = Buffer.from(wire, "latin1");
  if (last !== undefined && "client" in last) {
    turns[turns.length - 1] = { client: Buffer.concat([last.client, bytes]) };
  } else turns.push({ client: bytes });
}

const deadlineSeconds = 10;

async function playOnce(
  turns: readonly Turn[],
  scene: Scene,
  home: string,
  cut: (bytes: Buffer) => readonly Uint8Array[],
): Promise<void> {
  prepare(home, scene);
  const log: string[] = [];
  let toProgram = new Pipe();
  let fromProgram = new Pipe();
  const inside = { toProgram: new Pipe(), fromProgram: new Pipe() };
  const handshake = Promise.withResolvers<void>();
  const ended = runResident(scene.argv, {
    programs: async (name) => scene.programs[name],
    env: new Map(
      Object.entries({ PATH: `${home}/.path:/usr/bin:/bin`, ACCEPTUTILS_HOME: home, ...scene.env }),
    ),
    cwd: home,
    input: toProgram.reader,
    output: fromProgram,
    log: (line) => log.push(line),
    ...(scene.tls === false
      ? {}
      : {
          tls: "offered" as const,
          startTls: async () => {
            handshake.resolve();
            if (scene.tls === null) throw new TlsFailed("the handshake failed");
            const block = new Map(Object.entries(scene.tls ?? usualBlock));
            return { input: inside.toProgram.reader, output: inside.fromProgram, block };
          },
        }),
  });
  void ended.then(() => {
    fromProgram.close();
    handshake.reject(new Error("the program ended without asking for TLS"));
  });
  handshake.promise.catch(() => {});
  const transcript = new Transcript();
  const keepAlive = setInterval(() => {}, 1000); // a test that waits in vain must fail, not vanish
  try {
    for (const turn of turns) {
      if ("client" in turn) {
        transcript.client(turn.client);
        for (const piece of cut(turn.client))
          void Promise.resolve(say(toProgram, Uint8Array.from(piece))).catch(() => {});
      } else if ("server" in turn) {
        transcript.compare(await hear(fromProgram.reader, turn.server), turn.server);
      } else if (turn.event === "TLS") {
        await handshake.promise;
        ({ toProgram, fromProgram } = inside);
        void ended.then(() => inside.fromProgram.close());
      } else if (turn.event === "EOF") toProgram.close();
      else if (turn.event === "END") transcript.compare(await rest(fromProgram.reader), "");
      else assert.fail(`unknown event (${turn.event})`);
    }
    toProgram.close();
    transcript.compare(await rest(fromProgram.reader), "");
    compareEnd(await ended, scene, log);
    scene.after?.(home);
  } finally {
    clearInterval(keepAlive);
    fromProgram.reader.close();
    toProgram.close();
  }
}

const usualBlock = { SSL_PROTOCOL: "TLSv1.3", SSL_CIPHER: "TLS_AES_256_GCM_SHA384" };

function prepare(home: string, { programs, files }: Scene): void {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(join(home, ".path"), { recursive: true });
  for (const name of Object.keys(programs)) {
    const text = launcherText(name, { node: process.execPath, bundle: "none" });
    writeFileSync(join(home, ".path", name), text, { mode: 0o755 });
  }
  for (const [name, text] of Object.entries(files ?? {})) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text, "latin1");
  }
}

/** A program that has ended hears nothing more, which is no mistake of the client's. */
function say(pipe: Pipe, bytes: Uint8Array): Promise<void> | undefined {
  try {
    return pipe.write(bytes);
  } catch {
    return undefined;
  }
}

/** As many lines as are expected, or what came before the end or the deadline. */
async function hear(input: Input, expected: string): Promise<string> {
  const lines = expected.split("\n");
  const partial = lines.pop() ?? "";
  let heard = "";
  while (heard.split("\n").length - 1 < lines.length || tail(heard).length < partial.length) {
    const chunk = await input.read(deadlineSeconds).catch(() => null);
    if (chunk === null) break;
    heard += Buffer.from(chunk).toString("latin1");
  }
  return heard;
}

const tail = (text: string) => text.slice(text.lastIndexOf("\n") + 1);

async function rest(input: Input): Promise<string> {
  let heard = "";
  for (;;) {
    const chunk = await input.read(deadlineSeconds);
    if (chunk === null) return heard;
    heard += Buffer.from(chunk).toString("latin1");
  }
}

class Transcript {
  readonly #before: string[] = [];

  client(bytes: Buffer): void {
    this.#before.push(lettered("C", bytes.toString("latin1")));
  }

  compare(heard: string, expected: string): void {
    const wanted = `${this.#before.join("")}${lettered("S", expected)}`;
    const shown = pattern(expected).test(heard) ? expected : heard;
    assert.equal(`${this.#before.join("")}${lettered("S", shown)}`, wanted);
    this.#before.push(lettered("S", expected));
  }
}

function lettered(who: string, text: string): string {
  return text.replace(/[^\n]*\n|[^\n]+$/g, (line) => {
    const shown = line.endsWith("\r\n") ? line.slice(0, -2) : `${line}\\`;
    return `${who}: ${shown}\n`;
  });
}

const placeholders: Readonly<Record<string, string>> = {
  "<PID>": "[0-9]+",
  "<TIME>": "[0-9]+",
  "<DATE>": "[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} [-+][0-9]{4}",
};

function pattern(expected: string): RegExp {
  const escaped = expected.split(/(<(?:PID|TIME|DATE)>)/);
  return new RegExp(`^${escaped.map((part) => placeholders[part] ?? RegExp.escape(part)).join("")}$`, "s");
}

function compareEnd(ended: Ended, scene: Scene, log: readonly string[]): void {
  if (scene.exit !== undefined) assert.deepEqual(ended, { code: scene.exit }, `log: ${log.join("\n")}`);
  if (scene.log === undefined) return;
  const shown = log.map((line, at) => {
    const wanted = scene.log?.[at];
    return wanted !== undefined && pattern(wanted).test(line) ? wanted : line;
  });
  assert.deepEqual(shown, scene.log);
}
