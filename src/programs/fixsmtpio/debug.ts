/** The lines that FIXSMTPIODEBUG asks for: `fixsmtpio PID PROG PID K: TEXT`. */
import { posix } from "node:path";
import type { Observer } from "../../protocol/fixsmtpio/settings.ts";
import { Redactor, visible } from "../../protocol/fixsmtpio/visible.ts";
import type { System } from "../../system/system.ts";

/** Logs each line of the conversation; what an AUTH exchange says is not told. */
export function debugObserver(system: System, program: string, childPid: () => number): Observer {
  const name = posix.basename(program);
  const redactor = new Redactor();
  const log = (kind: string, text: string) =>
    system.log(`fixsmtpio ${system.pid} ${name} ${childPid()} ${kind}: ${visible(text)}`);
  return {
    request: ({ line, front, prefix, passed, secret }) => {
      const shown = (text: string) => redactor.request(text, secret);
      if (line !== "") log("1", shown(line));
      if (passed !== "") log("2", front + prefix + shown(passed));
    },
    reply: ({ reply, sent }) => {
      log("3", redactor.reply(reply));
      log("4", redactor.reply(sent));
    },
    ownAnswer: (text) => log("4", text),
    message: (bytes) => log("D", bytes.toString("latin1")),
    chunk: (bytes) => log("D", bytes.toString("latin1")),
  };
}
