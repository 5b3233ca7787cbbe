/**
 * What rules make of a reply. Each line is taken through every rule in the file's order; a glob always looks at the
 * line as the server sent it, while fixups and the end result build on what earlier rules made of it.
 * Source: fixsmtpio(8), of acceptutils; its C where the page and the C disagree.
 */
import { matching } from "./candidates.ts";
import type { Rule } from "./rule.ts";

/** What fixups need to know. */
export interface Surroundings {
  /** The host name of control/smtpgreeting. */
  readonly greeting: string;
  /** STARTTLS is to be offered in the reply to EHLO. */
  readonly offersStartTls: boolean;
  /** AUTH and STARTTLS of the server's own are to be taken out of the reply to EHLO. */
  readonly hidesExtensions?: boolean | undefined;
  /** CHUNKING is to be offered in the reply to EHLO, unless the server does. */
  readonly offersChunking?: boolean | undefined;
}

/** One rule that did something to one line of a reply: the note that `explain` and the log are made of. */
export interface Step {
  readonly rule: Rule;
  /** The line of the reply, from 0. */
  readonly index: number;
  /** As the server sent it. */
  readonly original: string;
  /** What it was, and is, because of this rule; "" when deleted. */
  readonly before: string;
  readonly after: string;
}

export interface Rewritten {
  /** What the client gets, as bytes of latin1; "" when nothing is left; undefined when the reply stays as it is. */
  readonly text: string | undefined;
  /** The last exit code a rule gave. */
  readonly exitCode: number | undefined;
}

const offer = "250-STARTTLS\r\n";
const chunking = "250-CHUNKING\r\n";
const hidden = /^250[ -](AUTH[ =]|STARTTLS(?=[ \r\n]))/i;
const homePage = "214 fixsmtpio home page: https://schmonz.com/software/acceptutils\r\n";

/**
 * Takes the lines of a reply to `event`, each with its line end, through `rules`: those of it that apply now.
 * `note` hears of each rule that matched.
 */
export function rewriteReply(
  event: string,
  lines: readonly string[],
  rules: readonly Rule[],
  surroundings: Surroundings,
  note?: (step: Step) => void,
): Rewritten {
  let exitCode: number | undefined;
  let changed = false;
  let offering = false;
  const contents = lines.map((original, index) => {
    const seen = original.includes("\0") ? original.replaceAll("\0", " ") : original;
    let content = original;
    for (const rule of matching(rules, seen)) {
      const before = content;
      content = contentAfter(rule, content, index, surroundings);
      exitCode = rule.exitCode ?? exitCode;
      // The offer is the second line, also of a reply that had only one.
      if (rule.response.do === "fixup" && rule.event === "ehlo" && (index === 1 || lines.length === 1)) {
        offering = surroundings.offersStartTls;
      }
      note?.({ rule, index, original, before, after: content });
    }
    if (surroundings.hidesExtensions && event === "ehlo" && content === original) {
      content = index > 0 && hidden.test(original) ? "" : content;
    }
    changed ||= content !== original;
    return content;
  });
  const offersChunking =
    surroundings.offersChunking &&
    event === "ehlo" &&
    !lines.some((line) => /^250[ -]CHUNKING\s/i.test(line));
  if (!changed && !offering && !offersChunking) return { text: undefined, exitCode };
  const ended = contents.map((content) =>
    content === "" || content.endsWith("\n") ? content : content + "\r\n",
  );
  const first = ended.find((content) => content !== "");
  if (offering && first !== undefined) ended.splice(1, 0, offer);
  if (offersChunking && first?.startsWith("250")) ended.push(chunking);
  return { text: joinLines(ended.join("")), exitCode };
}

function contentAfter(rule: Rule, content: string, index: number, surroundings: Surroundings): string {
  switch (rule.response.do) {
    case "delete":
      return "";
    case "keep":
      return content;
    case "replace":
      return rule.response.text;
    case "fixup":
      return fixUp(rule.event, content, index, surroundings);
    default:
      return rule.response satisfies never;
  }
}

/** What fixsmtpio itself makes of a line. An event without a fixup is refused by the rule parser. */
function fixUp(event: string, content: string, index: number, { greeting }: Surroundings): string {
  switch (event) {
    case "greeting":
      return `220 ${greeting} ESMTP`;
    case "helo":
      return `250 ${greeting}`;
    case "ehlo":
      if (index === 0) return `250 ${greeting}`;
      // The server's own STARTTLS would be answered by us.
      return content === "250-STARTTLS\r\n" || content === "250 STARTTLS\r\n" ? "" : content;
    case "help":
      return homePage + content;
    case "quit":
      return `221 ${greeting}`;
    default:
      return content;
  }
}

/**
 * Makes one reply of `text`, any number of whole lines: the fourth byte of each becomes `-`, of the last a space.
 * A line of three bytes gets its `-`, and stays as it is when it is the last (RFC 5321 §4.2: the text may be missing);
 * a shorter one has no place for it.
 */
export function joinLines(text: string): string {
  const lines = text.split("\n");
  lines.pop();
  return lines
    .map((line, index) => {
      const last = index === lines.length - 1;
      const octets = line.endsWith("\r") ? line.length - 1 : line.length;
      if (octets > 3) return `${line.slice(0, 3)}${last ? " " : "-"}${line.slice(4)}\n`;
      return octets === 3 && !last ? `${line.slice(0, 3)}-${line.slice(3)}\n` : `${line}\n`;
    })
    .join("");
}
