/** The lines that FIXSMTPIODEBUG asks for: `fixsmtpio PID PROG PID K: TEXT`. */
import { posix } from "node:path";
import type { Observer } from "../../protocol/fixsmtpio/settings.ts";
import { redacted, visible } from "../../protocol/fixsmtpio/visible.ts";
import type { System } from "../../system/system.ts";

/** Logs each line of the conversation; what an AUTH exchange says is not told. */
export function debugObserver(system: System, program: string, childPid: () => number): Observer {
  const name = posix.basename(program);
  const log = (kind: string, text: string) =>
    system.log(`fixsmtpio ${system.pid} ${name} ${childPid()} ${kind}: ${visible(text)}`);
  return {
    request: ({ line, sent, secret }) => {
      const front = sent.slice(0, sent.length - line.length);
      const shown = secret ? redacted(line) : line;
      log("1", shown);
      log("2", front + shown);
    },
    reply: ({ reply, sent }) => {
      log("3", reply);
      log("4", sent);
    },
    message: (bytes) => log("D", bytes.toString("latin1")),
    chunk: (bytes) => log("D", bytes.toString("latin1")),
  };
}
