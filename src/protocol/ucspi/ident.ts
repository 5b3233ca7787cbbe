/** Who has a connection, as the client's own machine says. RFC 1413 */

/** The question: our port and the client's, seen from the client's machine. */
export const identQuestion = (remotePort: number, localPort: number) => `${remotePort} , ${localPort}\r\n`;

/**
 * The user in an answer; undefined when there is none, or one that cannot stand in a variable, a rule and a log line.
 *
 *     6193 , 23 : USERID : UNIX : stjohns
 */
export function identUser(answer: string): string | undefined {
  const [, user] = /^[^:\r\n]*:\s*USERID\s*:[^:\r\n]*:\s*([^\r\n]*?)\s*(?:\r?\n|$)/.exec(answer) ?? [];
  return user !== undefined && /^[\x21-\x7e]{1,200}$/.test(user) ? user : undefined;
}
