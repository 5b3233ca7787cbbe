/** The lines that FIXSMTPIODEBUG asks for: `fixsmtpio PID PROG PID K: TEXT`. */
import { posix } from "node:path";
import type { Observer } from "../../protocol/fixsmtpio/settings.ts";
import type { System } from "../../system/system.ts";

/** Logs each line of the conversation; what an AUTH exchange says is not told. */
export function debugObserver(system: System, program: string, childPid: () => number): Observer {
  const name = posix.basename(program);
  const log = (kind: string, text: string) =>
    system.log(`fixsmtpio ${system.pid} ${name} ${childPid()} ${kind}: ${visible(text)}`);
  return {
    request: (line, sent, secret) => {
      const front = sent.slice(0, sent.length - line.length);
      const shown = secret ? redacted(line) : line;
      log("1", shown);
      log("2", front + shown);
    },
    reply: (_event, reply, sent) => {
      log("3", reply);
      log("4", sent);
    },
    message: (bytes) => log("D", bytes.toString("latin1")),
  };
}

const escapes = new Map([
  ["\r", "\\r"],
  ["\n", "\\n"],
  ["\t", "\\t"],
  ["\\", "\\\\"],
]);

/** One line of printable ASCII, whatever was sent: a log cannot be forged from outside. */
export function visible(text: string): string {
  return text.replace(
    /[^ -[\]-~]/g,
    (byte) => escapes.get(byte) ?? `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** An AUTH request with its argument hidden; a line that is only an answer is hidden whole. */
export function redacted(line: string): string {
  const [, auth = "", end = ""] = /^(auth(?= |\r?\n|$) ?)?[^\r\n]*(\r?\n)?/i.exec(line) ?? [];
  return `${auth}********${end}`;
}
