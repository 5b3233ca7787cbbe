/** Bytes of a conversation as people see them: in debug lines, session files and explanations. */

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

const escaped = /\\(?:(r)|(n)|(t)|(\\)|x([0-9a-f]{2}))/gi;

/** The bytes that `visible` shows so. A backslash that escapes nothing stays. */
export function unescaped(text: string): string {
  return text.replace(escaped, (_all, cr, lf, tab, backslash, hex) => {
    if (cr) return "\r";
    if (lf) return "\n";
    if (tab) return "\t";
    return backslash ? "\\" : String.fromCharCode(Number.parseInt(hex, 16));
  });
}
