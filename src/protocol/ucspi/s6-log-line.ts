/** The lines that s6-tcpserver writes about connections. s6-tcpserverd */
import type { Ends } from "./environment.ts";
import type { Counts, ServerLog } from "./server-log.ts";

/** What s6's programs call the part of the server that is running. */
const name = "s6-tcpserverd";

const info = (text: string) => `${name}: info: ${text}`;
const status = ({ sessions, limit }: Counts) => info(`status: ${sessions}/${limit}`);
const client = ({ remoteIp, remotePort }: Ends) => `${remoteIp}_${remotePort}`;
const count = ({ here, limitHere }: Counts) => `count ${here}/${limitHere}`;

/** An exit code, or the number of a signal, out of what wait(2) reports. */
const how = (waited: number) =>
  (waited & 0x7f) === 0 ? `exitcode ${waited >> 8}` : `signal ${waited & 0x7f}`;

export const s6Log: ServerLog = {
  starting: (ip, port) => [[2, info(`starting - bound to ip ${ip} port ${port}`)]],
  exiting: [[2, info("exiting")]],
  status: (counts) => [[2, status(counts)]],
  accepted: (pid, ends, counts) => [
    [2, info(`accept ${client(ends)} pid ${pid} ${count(counts)}`)],
    [2, status(counts)],
  ],
  allowed: () => [],
  turnedAway: (_, ends, counts) => [[1, info(`reject ${client(ends)} ${count(counts)}`)]],
  denied: () => [],
  ended: (pid, waited, counts) => [[2, info(`end pid ${pid} ${how(waited)} ${count(counts)}`)]],
  secured: () => [],
  notSecured: (why) => [[1, `${name}: warning: dropping SSL connection, ${why}`]],
  warning: (text) => [[1, `${name}: warning: ${text}`]],
  session: (record) => [[2, info(`session ${record}`)]],
};
