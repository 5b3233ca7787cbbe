/**
 * Sessions as files that people can read and write. What each side says is in capitals, what it hears in small letters:
 *
 *     # a comment
 *     env AUTHUP_USER=alice
 *     greeting mail.example.org
 *     tls available
 *     options -bs -l 512
 *
 *     S: 220 child.example ESMTP
 *     c: 235 ok, go ahead (#2.0.0)
 *     C: NOOP
 *     s: NOOP
 *     (client ends)
 *     (server ends 1)
 *     (exit 0)
 *
 * A line ends CR LF on the wire; one that ends in a backslash has no line end but what it says: `\n`, `\r`, `\xff`.
 */
import type { TlsLevel } from "../ucspi-tls/level.ts";
import { formatOptions, readCommandLine } from "./options.ts";
import type { Options } from "./settings.ts";
import { unescaped, visible } from "./visible.ts";

/** What happens at one point of a session. Text is latin1 bytes. */
export type Act =
  | { readonly do: "client says"; readonly text: string }
  | { readonly do: "server says"; readonly text: string }
  | { readonly do: "TLS starts" }
  /** A message in chunks is to be forgotten, which only another server does. */
  | { readonly do: "server starts anew" }
  | { readonly do: "client ends" }
  | { readonly do: "server ends"; readonly exitCode: number };

/** An act, and what each side hears because of it. */
export interface Moment {
  readonly act: Act;
  readonly serverHears: string;
  readonly clientHears: string;
}

export interface Session {
  readonly env: ReadonlyMap<string, string>;
  readonly greeting: string;
  readonly tls: TlsLevel;
  /** The options of fixsmtpio. */
  readonly options: Options;
  readonly moments: readonly Moment[];
  /** How fixsmtpio ends; undefined when the file does not say. */
  readonly exitCode: number | undefined;
}

/** A line of a session file that is none. */
export class BadSession extends Error {
  override readonly name = "BadSession";
  readonly line: number;
  constructor(line: number, text: string) {
    super(text);
    this.line = line;
  }
}

const levels: readonly string[] = ["unavailable", "available", "required"] satisfies TlsLevel[];

/** Reads a session file. Throws BadSession. */
export function parseSession(source: string): Session {
  const env = new Map<string, string>();
  const moments: { act: Act; serverHears: string; clientHears: string }[] = [];
  let [greeting, tls]: [string, TlsLevel] = ["localhost", "unavailable"];
  let options: Options = {};
  let exitCode: number | undefined;
  for (const [index, whole] of source.split("\n").entries()) {
    const line = whole.replace(/[ \t\r]+$/, "");
    const wrong = (text: string) => new BadSession(index + 1, text);
    const [, mark = "", words = ""] = /^([CScs]):(?: (.*))?$/.exec(line) ?? [];
    const last = moments.at(-1);
    if (mark === "C" || mark === "S") {
      const side = mark === "C" ? "client says" : "server says";
      const silent = last?.clientHears === "" && last.serverHears === "";
      if (silent && last.act.do === side) last.act = { do: side, text: last.act.text + onTheWire(words) };
      else moments.push({ act: { do: side, text: onTheWire(words) }, serverHears: "", clientHears: "" });
    } else if (mark !== "") {
      if (last === undefined) throw wrong("nobody said anything yet");
      last[mark === "c" ? "clientHears" : "serverHears"] += onTheWire(words);
    } else if (line.startsWith("env ")) {
      const [, name = "", value = ""] = /^env ([^=]+)(?:=(.*))?$/.exec(line) ?? [];
      if (name === "") throw wrong("env wants NAME or NAME=VALUE");
      env.set(name, value);
    } else if (line.startsWith("greeting ")) greeting = line.slice(9);
    else if (line.startsWith("tls ")) {
      if (!levels.includes(line.slice(4))) throw wrong(`tls is one of ${levels.join(", ")}`);
      tls = line.slice(4) as TlsLevel;
    } else if (line.startsWith("options ")) {
      const read = readCommandLine([...line.slice(8).split(" "), "prog"]);
      if (read?.prog.length !== 1) throw wrong("options are those of fixsmtpio(8)");
      options = read.options;
    } else if (/^\(exit [0-9]{1,3}\)$/.test(line)) exitCode = Number(line.slice(6, -1));
    else if (line !== "" && !line.startsWith("#")) {
      const act = eventIn(line);
      if (act === undefined) throw wrong(`not a line of a session: ${visible(line)}`);
      moments.push({ act, serverHears: "", clientHears: "" });
    }
  }
  return { env, greeting, tls, options, moments, exitCode };
}

function eventIn(line: string): Act | undefined {
  if (line === "(TLS)") return { do: "TLS starts" };
  if (line === "(server starts anew)") return { do: "server starts anew" };
  if (line === "(client ends)") return { do: "client ends" };
  const code = /^\(server ends(?: ([0-9]{1,3}))?\)$/.exec(line);
  return code === null ? undefined : { do: "server ends", exitCode: Number(code[1] ?? 0) };
}

function onTheWire(words: string): string {
  const open = /^(?:[^\\]|\\.)*\\$/.test(words);
  return open ? unescaped(words.slice(0, -1)) : unescaped(words) + "\r\n";
}

/** Writes a session file. Reading it gives the same session, when neighbouring acts differ in kind. */
export function formatSession({ env, greeting, tls, options, moments, exitCode }: Session): string {
  const lines = [...env].map(([name, value]) => (value === "" ? `env ${name}` : `env ${name}=${value}`));
  lines.push(`greeting ${greeting}`);
  if (tls !== "unavailable") lines.push(`tls ${tls}`);
  const words = formatOptions(options);
  if (words !== "") lines.push(`options ${words}`);
  lines.push("", ...moments.flatMap(formatMoment));
  if (exitCode !== undefined) lines.push(`(exit ${exitCode})`);
  return lines.map((line) => line + "\n").join("");
}

/** A moment as the lines of a session file. */
export function formatMoment({ act, serverHears, clientHears }: Moment): string[] {
  return [...formatAct(act), ...spoken("s", serverHears), ...spoken("c", clientHears)];
}

function formatAct(act: Act): string[] {
  switch (act.do) {
    case "client says":
      return spoken("C", act.text);
    case "server says":
      return spoken("S", act.text);
    case "TLS starts":
      return ["(TLS)"];
    case "server starts anew":
      return ["(server starts anew)"];
    case "client ends":
      return ["(client ends)"];
    case "server ends":
      return [`(server ends ${act.exitCode})`];
    default:
      return act satisfies never;
  }
}

function spoken(mark: string, text: string): string[] {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  return lines.map((line) => {
    const ended = line.endsWith("\r\n");
    const words = visible(ended ? line.slice(0, -2) : line).replace(/ $/, "\\x20");
    return ended && words === "" ? `${mark}:` : `${mark}: ${words}${ended ? "" : "\\"}`;
  });
}
