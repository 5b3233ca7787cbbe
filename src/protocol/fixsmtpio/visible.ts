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

/** So many words of an AUTH exchange are looked for in replies: a server may say what it was told. */
const maximumWords = 16;
const shortestWord = 4;

/** Hides what an AUTH exchange says, in requests and where replies repeat it. */
export class Redactor {
  #words: string[] = [];

  /** A request as it may be shown. */
  request(line: string, secret: boolean): string {
    if (!secret) return line;
    const words = line.replace(/^[ \t]*auth[ \t]+[a-z0-9_-]*/i, "").split(/[ \t\r\n]+/);
    this.#words.push(...words.filter(({ length }) => length >= shortestWord));
    this.#words = this.#words.slice(-maximumWords);
    return redacted(line);
  }

  /** A reply as it may be shown. */
  reply(text: string): string {
    return this.#words.reduce((shown, word) => shown.replaceAll(word, "********"), text);
  }
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
