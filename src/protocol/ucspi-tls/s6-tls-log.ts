/** What s6-ucspitlsd and s6-tlsd log about TLS. */
import type { ServerLog } from "../ucspi/server-log.ts";

/** The byte on the control socket was none of the two there are. */
export const unknownCommand = "unrecognized command on control socket";

/** `pid` is that of the session. */
export const s6TlsLog = (program: "s6-ucspitlsd" | "s6-tlsd"): Pick<ServerLog, "secured" | "notSecured"> => ({
  secured: (pid) =>
    program === "s6-ucspitlsd" ? [[2, `${program}: info: pid ${pid} accepted opportunistic TLS`]] : [],
  notSecured: (why) => [
    [0, why === unknownCommand ? `${program}: fatal: ${why}` : `s6-tlsd-io: fatal: ${why}`],
  ],
});
