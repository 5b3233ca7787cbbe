/** What a server logs about its connections, in the words of the server it stands for. */
import type { Ends } from "./environment.ts";
import { acceptLine, denyLine, endLine, okLine, pidLine, statusLine } from "./log-line.ts";
import { s6Log } from "./s6-log-line.ts";

/** A line, and the verbosity from which it is written. */
export type LogLine = readonly [verbosity: number, text: string];

/** How many sessions there are, in all and of one address. */
export interface Counts {
  readonly sessions: number;
  readonly limit: number;
  readonly here: number;
  readonly limitHere: number;
}

/** `pid` is the session's; `waited` what wait(2) reports: an exit code times 256, or the number of a signal. */
export interface ServerLog {
  starting(ip: string, port: number): readonly LogLine[];
  readonly exiting: readonly LogLine[];
  status(counts: Counts): readonly LogLine[];
  accepted(pid: number, ends: Ends, counts: Counts): readonly LogLine[];
  /** The rules let the client in. */
  allowed(pid: number, ends: Ends): readonly LogLine[];
  /** A client that is not counted as a session. */
  turnedAway(pid: number, ends: Ends, counts: Counts): readonly LogLine[];
  /** The rules do not let the client in. */
  denied(pid: number, ends: Ends): readonly LogLine[];
  ended(pid: number, waited: number, counts: Counts): readonly LogLine[];
  /** The handshake is done; `agreed` says on what, for who wants to know. */
  secured(pid: number, agreed: string): readonly LogLine[];
  notSecured(why: string): readonly LogLine[];
  warning(text: string): readonly LogLine[];
  /** The one line about a session that is over. */
  session(record: string): readonly LogLine[];
}

/** The words of tcpserver and of sslserver, which differ in the name. */
const ucspiLog = (server: string): ServerLog => ({
  starting: () => [],
  exiting: [],
  status: ({ sessions, limit }) => [[2, statusLine(server, sessions, limit)]],
  accepted: (pid, ends, { sessions, limit }) => [
    [2, statusLine(server, sessions, limit)],
    [2, pidLine(server, pid, ends)],
  ],
  allowed: (pid, ends) => [[2, okLine(server, pid, ends)]],
  turnedAway: (pid, ends) => [[2, denyLine(server, pid, ends)]],
  denied: (pid, ends) => [[2, denyLine(server, pid, ends)]],
  ended: (pid, waited) => [[2, endLine(server, pid, waited)]],
  secured: (pid, agreed) => [[2, acceptLine(server, pid, agreed)]],
  notSecured: (why) => [[1, `${server}: warning: dropping SSL connection, ${why}`]],
  warning: (text) => [[1, `${server}: warning: ${text}`]],
  session: (record) => [[2, `${server}: session ${record}`]],
});

const sslserverLog = ucspiLog("sslserver");
const tcpserverLog = ucspiLog("tcpserver");

/** The words of the server that logs as `server`. */
export function serverLog(server: string): ServerLog {
  if (server === "s6-tcpserverd") return s6Log;
  return server === "tcpserver" ? tcpserverLog : sslserverLog;
}
