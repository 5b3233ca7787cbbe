/**
 * Plays the golden transcripts of what a program sees from sslserver -n: its environment, the control socket, the reply
 * to Y, the ends; and what the listener logs. The program is a foreign one: test/stubs/probe.pl.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { casesOf } from "./runner/case.ts";
import { type ListenerCase, type Note, type Server, UcspiListeners } from "./runner/ucspi-listeners.ts";

const listeners = new UcspiListeners();
after(() => listeners.close());

const serverWith = (options: readonly string[]): Promise<Server> => {
  const program = ["env", `NOTES=${listeners.notes}`, listeners.probe];
  return listeners.running("sslserver", ["-1vneRHl0", "-c40", ...options, "127.0.0.1", "0", ...program], {});
};

/** To the program, which is a process in both, workers and processes around it must look the same. */
const hosts = { resident: [], native: ["--native"] };

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

const cases = casesOf<ListenerCase>("ucspi-tls").filter(({ listener }) => listener === "ucspi-ssl");
for (const [played, host] of cases.flatMap((each) => [
  [each, "resident"] as const,
  [each, "native"] as const,
])) {
  const own = played.listener_options.length > 0;
  const skip = own && !isRoot && "needs root, to become somebody else";
  test(`golden ucspi-tls: ${played.name}, ${host}`, { skip }, async () => {
    const server = await serverWith([...hosts[host], ...(own ? played.listener_options : asWe)]);
    const notes = await listeners.play(played, server);
    const expected = wanted(played);
    const seen = notes.map((note) =>
      own || note.env === undefined ? note : { ...note, uid: process.getuid!(), gid: process.getgid!() },
    );
    assert.deepEqual(seen, expected.notes);
    assert.deepEqual(generalLog(server.log, server.port), expected.log);
  });
}
