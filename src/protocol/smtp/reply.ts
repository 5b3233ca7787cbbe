/** SMTP replies: a code and its words, as they go out. RFC 5321 §4.2. */

export interface Reply {
  readonly code: number;
  /** All lines, each with its code and CR LF, as latin1 text. */
  readonly wire: string;
}

/** A reply of one line or more: `reply(250, "mx.example", "PIPELINING")`. Control bytes in the words become spaces. */
export function reply(code: number, ...lines: readonly string[]): Reply {
  const wire = lines
    .map(
      (line, at) =>
        `${code}${at === lines.length - 1 ? " " : "-"}${line.replace(/[\x00-\x1f\x7f]/g, " ")}\r\n`,
    )
    .join("");
  return { code, wire };
}
