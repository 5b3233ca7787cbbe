/** Compares what was seen with what should be, placeholders and all, and shows both as transcripts. */
import { diff } from "node:util";
import type { Case, Outcome, Run, Step } from "./case.ts";

const placeholders: Readonly<Record<string, string>> = {
  "<PID>": "[0-9]+",
  "<TIME>": "[0-9]{9,11}",
  "<DATE>": "[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} -0000",
  "<STAMP>": "[0-9]{14}",
  "<PORT>": "[0-9]+",
  "<FD>": "[0-9]+",
  "<UID>": "[0-9]+",
  "<WORK>": "[^ ]*",
};
const anyPlaceholder = /(<(?:PID|TIME|DATE|STAMP|PORT|FD|UID|WORK)>)/;

/** True when `seen` is `wanted`, with anything fitting in place of each placeholder. */
export function fits(seen: string, wanted: string): boolean {
  if (seen === wanted) return true;
  if (!anyPlaceholder.test(wanted)) return false;
  const parts = wanted.split(anyPlaceholder).map((part) => placeholders[part] ?? RegExp.escape(part));
  return new RegExp(`^${parts.join("")}$`, "s").test(seen);
}

/** `seen` with the placeholders of `wanted`, line by line where they fit, so that only real differences are left. */
export function likened(seen: string, wanted: string): string {
  if (fits(seen, wanted)) return wanted;
  const lines = wanted.split("\n");
  return seen
    .split("\n")
    .map((line, at) => (fits(line, lines[at] ?? "") ? (lines[at] ?? "") : line))
    .join("\n");
}

/** The seen outcome in the words of the wanted one, without what no case is about. */
export function normalized(seen: Outcome, wanted: Outcome, { env }: Pick<Case, "env">): Outcome {
  const steps = seen.steps.map((step, at) => likenedStep(step, wanted.steps[at]));
  const runs = seen.child_runs?.map((run, at) => likenedRun(run, wanted.child_runs?.[at], env));
  return {
    ...seen,
    steps,
    ...(seen.stderr === undefined ? {} : { stderr: likened(seen.stderr, wanted.stderr ?? "") }),
    ...(runs === undefined ? {} : { child_runs: runs }),
    ...(seen.files_after === undefined ? {} : { files_after: likenedFiles(seen, wanted) }),
  };
}

function likenedFiles(seen: Outcome, wanted: Outcome): Record<string, string> {
  const files = Object.entries(seen.files_after ?? {});
  return Object.fromEntries(
    files.map(([name, text]) => [name, likened(text, wanted.files_after?.[name] ?? "")]),
  );
}

/** A text with placeholders for what the next run will have otherwise. */
export function generalized(text: string): string {
  return text
    .replace(/\/[^ "\\]*\/golden\.\w+/g, "<WORK>")
    .replace(/(authup|checkpassword|fixsmtpio|pid) \d+\b/g, "$1 <PID>") // no \\b before: it may follow a \\n
    .replace(/<\d+\.\d{10}@/g, "<<PID>.<TIME>@")
    .replace(new RegExp(`\\b${placeholders["<DATE>"]}`, "g"), "<DATE>");
}

function likenedStep(step: Step, wanted: Step | undefined): Step {
  if (wanted === undefined || !("expect" in step) || !("expect" in wanted)) return step;
  return { expect: likened(step.expect, wanted.expect) };
}

/**
 * Variables that say where a test runs, not what a program does: PATH, our own, the descriptors that the originals'
 * recorder left out too, and what a shell other than dash exports when it starts a launcher.
 */
const surroundings = /^(PATH|ACCEPTUTILS_.*|SSL(CTL|READ|WRITE)FD|PWD|OLDPWD|SHLVL|_)$/;

function likenedRun(run: Run, wanted: Run | undefined, given: Readonly<Record<string, string>>): Run {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(run.env).sort()) {
    const known = wanted?.env[name];
    if (known === undefined && surroundings.test(name) && given[name] === undefined) continue;
    env[name] = known === undefined ? value : likened(value, known);
  }
  const said: Record<string, string> = {};
  for (const word of ["received", "fd3", "message", "envelope"] as const) {
    const value = run[word];
    if (value === undefined || (value === "" && wanted?.[word] === undefined)) continue;
    said[word] = likened(value, wanted?.[word] ?? "");
  }
  if (wanted?.received_omitted) delete said["received"];
  return { ...run, env, received: undefined, fd3: undefined, ...said } as unknown as Run;
}

/** An outcome as lines that a postmaster can read: C: and S:, then how it ended, the log and what stand-ins saw. */
export function transcriptOf(outcome: Outcome): string[] {
  const lines = outcome.steps.flatMap(linesOf);
  if (outcome.state !== undefined) lines.push(`[still ${outcome.state}]`);
  else lines.push(outcome.signal === undefined ? `[exit ${outcome.exit}]` : `[killed by ${outcome.signal}]`);
  if (outcome.stderr) lines.push("log:", ...written(outcome.stderr));
  for (const [at, run] of (outcome.child_runs ?? []).entries()) {
    lines.push(`start ${at + 1}: ${run.argv.map((word) => shown(word)).join(" ")}`);
    for (const [name, value] of Object.entries(run.env).sort()) lines.push(`  ${name}=${shown(value)}`);
    for (const word of ["fd3", "received", "message", "envelope"] as const) {
      const text = run[word];
      if (text) lines.push(`  ${word}:`, ...(word === "message" ? written(text) : spoken("  ", text)));
    }
    if (run.saw_eof) lines.push("  saw the end of file");
  }
  for (const [name, text] of Object.entries(outcome.files_after ?? {}).sort())
    lines.push(`file ${name}`, ...written(text));
  return lines;
}

function linesOf(step: Step): string[] {
  if ("send" in step) {
    return step.accepted === 0 ? spoken("C: (too late) ", step.send) : spoken("C: ", step.send);
  }
  if ("expect" in step) return spoken("S: ", step.expect);
  if ("send_repeat" in step) return [`C: ${step.send_repeat.count} times ${shown(step.send_repeat.text)}`];
  if ("tls" in step) {
    return [`(TLS: asked with ${shown(step.control_read ?? "")}${step.control_close ? ", refused" : ""})`];
  }
  if ("starttls" in step) return [`(TLS: ${step.protocol}, ${step.cipher})`];
  if ("shutdown" in step) return ["(the client has said all)"];
  if ("close" in step) return ["(the client is gone)"];
  if ("wait_ms" in step) return [`(${step.wait_ms} ms later)`];
  if ("eof" in step) return ["(end)"];
  return ["(busy)"];
}

/** The lines of a text whose lines end in LF. */
function written(text: string): string[] {
  return spoken(
    "  ",
    text.replace(/\r?\n/g, (end) => (end === "\n" ? "\r\n" : "\\r\r\n")),
  );
}

/** Lines as they are on the wire: what does not end in CR LF says so, and other odd bytes are escaped. */
function spoken(prefix: string, text: string): string[] {
  const lines = text.split("\n");
  const rest = lines.pop() ?? "";
  const whole = lines.map((line) =>
    line.endsWith("\r") ? prefix + shown(line.slice(0, -1)) : `${prefix + shown(line)}\\n`,
  );
  return rest === "" && whole.length > 0 ? whole : [...whole, `${prefix + shown(rest)}\\`];
}

function shown(text: string): string {
  const long = text.length > 2000 ? `${text.slice(0, 2000)}... (${text.length} octets)` : text;
  return long.replace(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** Both transcripts in one: what only the first has is marked +, what only the second has is marked -. */
export function difference(seen: readonly string[], wanted: readonly string[]): string {
  return diff([...seen], [...wanted])
    .map(([side, line]) => `${side === 0 ? "  " : side > 0 ? "+ " : "- "}${line}`)
    .join("\n");
}
