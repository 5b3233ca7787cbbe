/** SMTP replies: a code and its words, as they go out. RFC 5321 §4.2. */

export interface Reply {
  readonly code: number;
  /** All lines, each with its code and CR LF, as latin1 text. */
  readonly wire: string;
}

const control = /[\x00-\x1f\x7f]/;
const controls = /[\x00-\x1f\x7f]/g;

/** A reply of one line or more: `reply(250, "mx.example", "PIPELINING")`. Control bytes in the words become spaces. */
export function reply(code: number, ...lines: readonly string[]): Reply {
  let wire = "";
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const words = control.test(line) ? line.replaceAll(controls, " ") : line;
    wire += `${code}${at === lines.length - 1 ? " " : "-"}${words}\r\n`;
  }
  return { code, wire };
}
