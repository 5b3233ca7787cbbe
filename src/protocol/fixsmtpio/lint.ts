/** What is odd about rules that can be read: rules that never fire, that fire too often, that are missing. */
import type { Rule } from "./rule.ts";

export interface Finding {
  /** Its line in the file; 0 for what is missing from it. */
  readonly line: number;
  /** An error keeps a service from working; a warning is likely a mistake. */
  readonly level: "error" | "warning";
  readonly text: string;
}

/** What the rules are for. */
export interface Purpose {
  /** They stand behind authup. */
  readonly behindAuthup: boolean;
  /** STARTTLS is to be offered. */
  readonly offersTls: boolean;
  /** `fixsmtpio -h` takes the server's own AUTH out of the reply to EHLO. */
  readonly hidesExtensions?: boolean | undefined;
  /** The variables that something sets; undefined when that is not known. */
  readonly variables?: ReadonlySet<string> | undefined;
}

const verbs =
  "helo ehlo mail rcpt data quit rset noop vrfy expn help auth starttls bdat etrn burl xclient xforward";
const events = new Set([...verbs.split(" "), "greeting", "in_data", "timeout", "clienteof"]);
/** authup takes these for a wrong password, though the client has heard that it was right. authup(8) */
const wrongPassword = new Set([1, 2, 111]);

/** All findings, those about a rule in the file's order. */
export function lint(rules: readonly Rule[], purpose: Purpose): readonly Finding[] {
  const findings = rules.flatMap((rule, at) => [
    ...aboutItself(rule, purpose).map((finding) => ({ ...finding, line: rule.line })),
    ...aboutItsPlace(rule, rules.slice(at + 1)).map((finding) => ({ ...finding, line: rule.line })),
  ]);
  return [...findings, ...missing(rules, purpose).map((finding) => ({ ...finding, line: 0 }))];
}

type Remark = Omit<Finding, "line">;
const error = (text: string): Remark => ({ level: "error", text });
const warning = (text: string): Remark => ({ level: "warning", text });

function aboutItself(rule: Rule, { behindAuthup, variables }: Purpose): Remark[] {
  const { env, event, prepend, glob, exitCode, response } = rule;
  const remarks: Remark[] = [];
  if (!events.has(event)) remarks.push(warning(`"${event}" is no event of SMTP: this rule never fires`));
  if (env !== "" && variables !== undefined && !variables.has(env)) {
    remarks.push(warning(`nothing in the run script sets ${env}: this rule never applies`));
  }
  if (event === "clienteof") {
    if (!glob.matches("")) remarks.push(warning("in most cases the glob of clienteof meets an empty line"));
  } else if (!glob.canEndWith("\r\n")) {
    remarks.push(error(`"${glob.source}" matches no line: lines end with CR LF, write "${glob.source}*"`));
  }
  if (event === "starttls" && (exitCode !== undefined || response.do !== "keep")) {
    remarks.push(warning("no rule sees the reply to STARTTLS: only the prepend counts"));
  }
  if (exitCode !== undefined && wrongPassword.has(exitCode) && (behindAuthup || env === "AUTHUP_USER")) {
    remarks.push(error(`authup takes exit code ${exitCode} for a wrong password`));
  }
  if (exitCode === 16 && event !== "timeout" && (behindAuthup || env === "AUTHUP_USER")) {
    remarks.push(
      warning("authup takes exit code 16 for a server that lost its patience: that is the event timeout"),
    );
  }
  if (exitCode === 18) remarks.push(warning("exit code 18 is fixsmtpio's own, for errors in this file"));
  if (prepend !== "" && !prepend.endsWith(" ")) {
    remarks.push(
      warning(`"${prepend}" is glued to the request: it becomes ${prepend}${event.toUpperCase()}`),
    );
  }
  return [...remarks, ...aboutItsResponse(rule)];
}

/** Nobody waits for the reply, or not for long: the server hangs up. */
const unawaited = new Set(["greeting", "timeout", "clienteof", "quit", "starttls"]);
const longReplies = new Set(["ehlo", "help"]);

function aboutItsResponse({ event, prepend, glob, exitCode, response }: Rule): Remark[] {
  const remarks: Remark[] = [];
  if (response.do === "replace" && !/^[2-5][0-9]{2}([ -]|$)/.test(response.text)) {
    remarks.push(warning(`"${response.text}" is no line of a reply: it has no code`));
  }
  const anyLine = glob.matches("250 ok\r\n") && glob.matches("250 PIPELINING\r\n");
  if (response.do === "delete" && exitCode === undefined && !unawaited.has(event)) {
    if (anyLine)
      remarks.push(warning("the last line of the reply is deleted, too: the client waits for ever"));
    else if (!longReplies.has(event)) {
      remarks.push(warning("a reply of one line is deleted whole: the client waits for ever"));
    }
  }
  if (event === "data" && prepend === "" && exitCode === undefined) {
    const becomes354 = response.do === "replace" && response.text.startsWith("354");
    const goAhead = glob.matches("354 go ahead\r\n");
    if (goAhead && !becomes354 && response.do !== "keep") {
      remarks.push(
        warning("the server waits for a message while the client is told something else than 354"),
      );
    }
    if (becomes354 && !glob.prefix.startsWith("3")) {
      remarks.push(error("the client is told 354 while the server takes what follows for commands"));
    }
  }
  return remarks;
}

/** Is it overridden by a rule further down? */
function aboutItsPlace(rule: Rule, later: readonly Rule[]): Remark[] {
  if (rule.event === "greeting" && rule.env === "AUTHUP_USER" && rule.response.do === "replace") {
    const hiding = later.find(
      (other) => other.event === "greeting" && other.env === "FIXSMTPIOTLS" && covers(other, rule),
    );
    if (hiding !== undefined) {
      return [error(`has to stand behind line ${hiding.line}, which else decides within TLS`)];
    }
  }
  if (rule.response.do === "keep" && rule.exitCode === undefined) return [];
  const overriding = later.find(
    (other) =>
      other.event === rule.event &&
      (other.env === "" || other.env === rule.env) &&
      decides(other) &&
      (rule.exitCode === undefined || other.exitCode !== undefined) &&
      covers(other, rule),
  );
  if (overriding === undefined) return [];
  const text = `has no effect on replies: line ${overriding.line} decides the same lines`;
  return [rule.event === "greeting" ? error(`${text}, and the last rule wins`) : warning(text)];
}

/** What an earlier rule made of the line does not matter to it. */
function decides({ event, response, exitCode }: Rule): boolean {
  if (event === "clienteof") return exitCode !== undefined;
  if (response.do === "fixup") return event !== "ehlo" && event !== "help";
  return response.do !== "keep";
}

/** True when all that `narrow` matches is surely matched by `wide`, too. */
function covers({ glob: wide }: Rule, { glob: narrow }: Rule): boolean {
  if (wide.source === narrow.source || wide.source === "*") return true;
  return wide.source === `${wide.prefix}*` && narrow.prefix.startsWith(wide.prefix);
}

function missing(
  rules: readonly Rule[],
  { behindAuthup, offersTls, hidesExtensions = false }: Purpose,
): Remark[] {
  const remarks: Remark[] = [];
  const find = (event: string, line: string, wanted: (rule: Rule) => boolean) =>
    rules.some((rule) => rule.event === event && rule.glob.matches(line) && wanted(rule));
  const always = (rule: Rule) => rule.env === "";
  if (offersTls) {
    if (!find("ehlo", "250 x\r\n", (rule) => always(rule) && rule.response.do === "fixup")) {
      remarks.push(error("STARTTLS is never advertised without :ehlo::2*::&fixsmtpio_fixup"));
    }
    const deleted = (rule: Rule) => rule.env === "FIXSMTPIOTLS" && rule.response.do === "delete";
    if (!find("greeting", "220 x\r\n", deleted)) {
      remarks.push(warning("FIXSMTPIOTLS:greeting::2*:: is missing: the original would greet twice"));
    }
  }
  if (!behindAuthup) return remarks;
  const forUsers = (rule: Rule) => rule.env === "AUTHUP_USER" || always(rule);
  const needed: readonly (readonly [string, string, string, (rule: Rule) => boolean])[] = [
    [
      "greeting",
      "220 x\r\n",
      "AUTHUP_USER:greeting::2*::235 ok, go ahead (#2.0.0)",
      ({ response }) => response.do === "replace" && response.text.startsWith("235"),
    ],
    ["greeting", "421 x\r\n", "AUTHUP_USER:greeting::4*:14:&fixsmtpio_noop", hasCode(14)],
    ["greeting", "554 x\r\n", "AUTHUP_USER:greeting::5*:15:&fixsmtpio_noop", hasCode(15)],
    ["timeout", "451 x\r\n", "AUTHUP_USER:timeout::*:16:", hasCode(16)],
    ["clienteof", "", "AUTHUP_USER:clienteof::*:0:", hasCode(0)],
    [
      "ehlo",
      "250-AUTH PLAIN\r\n",
      "AUTHUP_USER:ehlo::250?AUTH*::",
      ({ response }) => response.do === "delete",
    ],
    [
      "auth",
      "250 x\r\n",
      "AUTHUP_USER:auth:NOOP :*::502 unimplemented (#5.5.1)",
      ({ prepend }) => prepend.startsWith("NOOP"),
    ],
  ];
  for (const [event, line, example, wanted] of needed) {
    if (event === "ehlo" && hidesExtensions) continue;
    if (find(event, line, (rule) => forUsers(rule) && wanted(rule))) continue;
    remarks.push(error(`behind authup this is missing: ${example}`));
  }
  return remarks;
}

const hasCode = (code: number) => (rule: Rule) => rule.exitCode === code;
