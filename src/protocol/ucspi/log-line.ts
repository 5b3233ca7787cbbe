/** The lines that tcpserver and sslserver write about connections, and that people's tools read. ucspi-tcp */
import type { Ends } from "./environment.ts";

/** One field: at most 100 octets, and nothing that could break a line or a pattern. */
function field(text: string | undefined): string {
  if (text === undefined || usual.test(text)) return text ?? "";
  const clean = text.replace(/[^\x21-\x24\x26-\x7e]/g, "?");
  return clean.length > 100 ? `${clean.slice(0, 100)}...` : clean;
}

const usual = /^[\x21-\x24\x26-\x7e]{0,100}$/;

export const statusLine = (server: string, now: number, limit: number) =>
  `${server}: status: ${now}/${limit}`;

export const pidLine = (server: string, pid: number, { remoteIp }: Ends) =>
  `${server}: pid ${pid} from ${field(remoteIp)}`;

export const okLine = (server: string, pid: number, ends: Ends) => `${server}: ok ${pid} ${bothEnds(ends)}`;

/** A client that is not served. */
export const denyLine = (server: string, pid: number, ends: Ends) =>
  `${server}: deny ${pid} ${bothEnds(ends)}`;

function bothEnds(ends: Ends): string {
  const local = `${field(ends.localHost)}:${field(ends.localIp)}:${ends.localPort}`;
  const remote = `${field(ends.remoteHost)}:${field(ends.remoteIp)}:${field(ends.remoteInfo)}:${ends.remotePort}`;
  return `${local} ${remote}`;
}

export const acceptLine = (server: string, pid: number, more = "") => `${server}: ssl ${pid} accept ${more}`;

/** `status` is what wait(2) reports: an exit code times 256, or the number of a signal. */
export const endLine = (server: string, pid: number, status: number) =>
  `${server}: end ${pid} status ${status}`;
