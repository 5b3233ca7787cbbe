/**
 * The rules of control/fixsmtpio, one a line: `[env]:event:[request-prepend]:glob:[exitcode]:[response]`.
 * Source: fixsmtpio(8), of acceptutils.
 */
import { compileGlob, type Glob } from "./glob.ts";

/** What becomes of a line of a reply. */
export type Response =
  | { readonly do: "delete" }
  /** `&fixsmtpio_noop` */
  | { readonly do: "keep" }
  /** `&fixsmtpio_fixup`: what fixsmtpio itself knows about this event. */
  | { readonly do: "fixup" }
  | { readonly do: "replace"; readonly text: string };

export interface Rule {
  /** Its line in the file, from 1. */
  readonly line: number;
  /** The variable that must exist; "" when the rule always applies. */
  readonly env: string;
  /** In lower case. */
  readonly event: string;
  /** Put in front of the request, byte for byte. */
  readonly prepend: string;
  readonly glob: Glob;
  readonly exitCode: number | undefined;
  readonly response: Response;
}

/** Something wrong in a rules file, at a line and a column, both from 1. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

const keep = "&fixsmtpio_noop";
const fixup = "&fixsmtpio_fixup";
const reserved = "&fixsmtpio";

/** The events for which `&fixsmtpio_fixup` knows what to do. */
export const fixableEvents: readonly string[] = ["greeting", "helo", "ehlo", "help", "quit"];

/** Reads a rules file: every good rule, and every problem, in the file's order. Bytes are latin1. */
export function parseRules(text: string): { rules: readonly Rule[]; problems: readonly Problem[] } {
  const rules: Rule[] = [];
  const problems: Problem[] = [];
  for (const [index, whole] of text.split("\n").entries()) {
    const source = whole.replace(/[ \t]+$/, ""); // a carriage return is part of the rule
    if (source === "" || source.startsWith("#")) continue;
    const found: Problem[] = [];
    const rule = parseRule(source, index + 1, (column, what) =>
      found.push({ line: index + 1, column, text: what }),
    );
    if (rule !== undefined && found.length === 0) rules.push(rule);
    problems.push(...found);
  }
  return { rules, problems };
}

function parseRule(
  source: string,
  line: number,
  wrong: (column: number, text: string) => void,
): Rule | undefined {
  const fields = fieldsOf(source);
  if (fields.length < 6) {
    const count = `${fields.length} field${fields.length === 1 ? "" : "s"}`;
    wrong(source.length + 1, `a rule has six fields, env:event:prepend:glob:exitcode:response, not ${count}`);
    return undefined;
  }
  if (source.includes("\0")) wrong(source.indexOf("\0") + 1, "a rule cannot have a NUL byte");
  const [env, event, prepend, glob, exitCode, response] = fields as [
    Field,
    Field,
    Field,
    Field,
    Field,
    Field,
  ];
  const name = lowerCase(event.text);
  if (name === "") wrong(event.column, "the event is missing");
  if (glob.text === "") wrong(glob.column, "the glob is missing");
  if (!isExitCode(exitCode.text)) {
    wrong(exitCode.column, `exit code must be 0 to 255, not "${exitCode.text}"`);
  }
  const complaint = complaintAbout(response.text, name);
  if (complaint !== undefined) wrong(response.column, complaint);
  return {
    line,
    env: env.text,
    event: name,
    prepend: prepend.text,
    glob: compileGlob(glob.text),
    exitCode: exitCode.text === "" ? undefined : Number(exitCode.text),
    response: responseOf(response.text),
  };
}

interface Field {
  readonly text: string;
  readonly column: number;
}

/** Cuts a line at its first five colons: the response may have more of them. */
function fieldsOf(source: string): readonly Field[] {
  const fields: Field[] = [];
  let start = 0;
  while (fields.length < 5) {
    const colon = source.indexOf(":", start);
    if (colon === -1) break;
    fields.push({ text: source.slice(start, colon), column: start + 1 });
    start = colon + 1;
  }
  fields.push({ text: source.slice(start), column: start + 1 });
  return fields;
}

const isExitCode = (text: string) => text === "" || (/^[0-9]+$/.test(text) && Number(text) <= 255);

function complaintAbout(response: string, event: string): string | undefined {
  if (event === "clienteof" && response !== "")
    return "clienteof takes no response: nobody is there to read it";
  if (!response.startsWith(reserved) || response === keep) return undefined;
  if (response !== fixup) return `there is no built-in response "${response}"`;
  if (fixableEvents.includes(event)) return undefined;
  return `${fixup} is for ${fixableEvents.join(", ")}, not for "${event}"`;
}

function responseOf(text: string): Response {
  if (text === "") return { do: "delete" };
  if (text === keep) return { do: "keep" };
  if (text === fixup) return { do: "fixup" };
  return { do: "replace", text };
}

/** The line that `rule` was, or could have been, read from. */
export function formatRule({ env, event, prepend, glob, exitCode, response }: Rule): string {
  return [env, event, prepend, glob.source, exitCode ?? "", formatResponse(response)].join(":");
}

function formatResponse(response: Response): string {
  switch (response.do) {
    case "delete":
      return "";
    case "keep":
      return keep;
    case "fixup":
      return fixup;
    case "replace":
      return response.text;
    default:
      return response satisfies never;
  }
}

/** A to Z only: no byte above 127 has a case. */
export function lowerCase(text: string): string {
  return /[\x80-\xff]/.test(text) ? text.replace(/[A-Z]+/g, (run) => run.toLowerCase()) : text.toLowerCase();
}
