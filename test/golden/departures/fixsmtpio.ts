/** Where our fixsmtpio differs from the original on purpose. */
import { parseRules } from "../../../src/protocol/fixsmtpio/rule.ts";
import type { Case, Outcome, Run, Step } from "../../runner/case.ts";
import type { Departure, Rule } from "../departures.ts";

const see = "docs/specifications.md#fixsmtpio";

const S = (text: string): Step => ({ expect: text });
const C = (text: string): Step => ({ send: text });
const end: Step = { eof: true };
/** The rest of a session with the plain stand-in. */
const quits = [C("QUIT\r\n"), S("221 child.example\r\n"), end];
const greeted = S("220 child.example ESMTP\r\n");

/** The same steps, with other words heard at these places among all that was heard, from 0. */
function heard(steps: readonly Step[], words: Readonly<Record<number, string>>): Step[] {
  let at = -1;
  return steps.map((step) => {
    if (!("expect" in step)) return step;
    at += 1;
    return { expect: words[at] ?? step.expect };
  });
}

/** The same runs of the stand-in, with other parts; one run for each. */
function runs({ child_runs = [] }: Outcome, ...parts: Partial<Run>[]): Run[] {
  return parts.map((part, at) => ({ ...(child_runs[at] ?? child_runs[0]!), ...part }));
}

function without(run: Run, ...words: (keyof Run)[]): Run {
  return Object.fromEntries(
    Object.entries(run).filter(([word]) => !words.includes(word as keyof Run)),
  ) as unknown as Run;
}

const offersTls = ({ env }: Case) => "UCSPITLS" in env || "DISABLETLS" in env;

/** The variables that the TLS server tells: all of them, and no others. */
function toldBy(handshake: Step | undefined): Record<string, string> {
  const block = handshake !== undefined && "tls" in handshake ? (handshake.env_block ?? "") : "";
  const items = block.split("\0").filter((item) => item.startsWith("SSL_"));
  return Object.fromEntries(
    items.map((item) => [item.slice(0, item.indexOf("=")), item.slice(item.indexOf("=") + 1)]),
  );
}

/**
 * No server sees the variables that offer TLS, not even the first; the second sees all that the TLS server told.
 * No client sees a second good greeting.
 */
function tls(theirs: Outcome): Pick<Outcome, "steps" | "child_runs"> {
  const handshake = theirs.steps.findIndex((step) => "tls" in step);
  const steps = theirs.steps.map((step, at) =>
    handshake >= 0 && at === handshake + 1 && "expect" in step && step.expect.startsWith("2") ? S("") : step,
  );
  if (theirs.child_runs === undefined) return { steps };
  const { UCSPITLS, DISABLETLS, ...env } = (theirs as Case).env;
  const passedOn = [...Object.keys(env), "FIXSMTPIOTLS"];
  const child_runs = theirs.child_runs.map((run, at) => {
    const kept = Object.entries(run.env).filter(([name]) => passedOn.includes(name));
    return {
      ...run,
      env: { ...Object.fromEntries(kept), ...(at > 0 ? toldBy(theirs.steps[handshake]) : {}) },
    };
  });
  return { steps, child_runs };
}

/** The lines of the log come as things happen: time for them, before silence is taken for an answer. */
const unhurried = (step: Step): Step[] =>
  "expect" in step && step.expect === "" ? [{ wait_ms: 300 }, step] : [step];

/** Each line of the log is one event, and printable. */
function debugLines(stderr: string): string {
  return stderr.replace(/(fixsmtpio <PID> \w+ <PID> .: )(.*?)(?=fixsmtpio <PID>|$)/gs, (_, front, text) => {
    const shown = (text as string)
      .replace(/(?<!\r)\n$/, "")
      .replaceAll("\r\n", "\\r\\n")
      .replace("AUTH PLAIN abc", "AUTH ********");
    return `${front}${shown}\n`;
  });
}

export const fixsmtpioRules: readonly Rule[] = [
  {
    reason: "each error of the rules file is told with its place",
    see,
    applies: ({ program, stderr }) =>
      program === "fixsmtpio" && stderr === "fixsmtpio: unable to parse control/fixsmtpio\n",
    ours: (theirs) => {
      const { problems } = parseRules((theirs as Case).control["fixsmtpio"] ?? "");
      const places = problems.map(
        ({ line, column, text }) => `fixsmtpio: control/fixsmtpio:${line}:${column}: ${text}\n`,
      );
      return { stderr: places.join("") + theirs.stderr };
    },
  },
  {
    reason: "no server sees UCSPITLS or DISABLETLS; the greeting of the second one is for nobody",
    see,
    applies: (played, file) => file === "fixsmtpio" && offersTls(played),
    ours: tls,
  },
  {
    reason: "debug lines cannot be forged from outside, and tell no secrets",
    see,
    applies: ({ program, env }) => program === "fixsmtpio" && "FIXSMTPIODEBUG" in env,
    ours: ({ steps, stderr = "" }) => ({ steps: steps.flatMap(unhurried), stderr: debugLines(stderr) }),
  },
];

const strictExitCodes = "an exit code is a number from 0 to 255";
const shortLines = "a line too short for a separator is left alone, or gets one where it needs one";
const endOfData = "CR LF . CR LF ends a message, across any cut, and nothing else does";
const partialLines = "a line that is not finished is waited for";
const owedReplies = "replies that are owed reach a client that has said all";
const lastWords = "what a server says last counts, also without its end";
const ownEvents = "a client cannot trigger what only fixsmtpio can see";
const injection = "what comes in clear behind STARTTLS never executes";
const wholeBlock = "all SSL_ variables of the TLS server are taken, and no others";

const refused = (line: string): Departure => ({
  reason: strictExitCodes,
  see,
  ours: ({ steps }) => ({
    steps: [end, ...steps.flatMap((step) => ("send" in step ? [{ send: step.send, accepted: 0 }] : []))],
    exit: 18,
    stderr: `fixsmtpio: control/fixsmtpio:1:10: exit code must be 0 to 255, not "${line}"\nfixsmtpio: unable to parse control/fixsmtpio\n`,
    child_runs: [],
  }),
});

/** Other words heard, everything else the same. */
const hears = (reason: string, words: Readonly<Record<number, string>>): Departure => ({
  reason,
  see,
  ours: ({ steps }) => ({ steps: heard(steps, words) }),
});

/** A session that goes on to its QUIT; the last thing heard in theirs is at `from`. */
const goesOn = (reason: string, received: string, ...steps: Step[]): Departure => ({
  reason,
  see,
  ours: (theirs) => ({
    steps,
    exit: 0,
    child_runs: runs(theirs, { received }).map((run) => without(run, "saw_eof")),
  }),
});

const transaction = "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n";
const asksForData = [
  C("MAIL FROM:<a@b>\r\n"),
  S("250 ok\r\n"),
  C("RCPT TO:<c@d>\r\n"),
  S("250 ok\r\n"),
  C("DATA\r\n"),
  S("354 go ahead\r\n"),
];

/** What the TLS server told reaches the second server. */
const block: Departure = { reason: wholeBlock, see, ours: tls };

/** The handshake of the recorded case, as it was. */
const handshakeOf = ({ steps }: Outcome): Step[] => steps.filter((step) => "tls" in step);

const injected = (sent: string, dropped: number, greeting: string, ...inside: Step[]): Departure => ({
  reason: injection,
  see,
  ours: (theirs) => {
    const [first, second] = tls(theirs).child_runs ?? [];
    const before = sent.slice(0, sent.indexOf("STARTTLS"));
    return {
      steps: [
        S(greeting),
        C(sent),
        S(`${before === "" ? "" : "250 ok\r\n"}220 Ready to start TLS (#5.7.0)\r\n`),
        ...handshakeOf(theirs),
        S(""),
        ...inside,
      ],
      exit: 0,
      stderr: dropped === 0 ? "" : `fixsmtpio: dropped ${dropped} bytes sent in clear after STARTTLS\n`,
      child_runs: [
        { ...first!, received: `${before}NOOP fixsmtpio STARTTLS BEGIN STARTTLS\r\n` },
        { ...second!, received: inside.map((step) => ("send" in step ? step.send : "")).join("") },
      ],
    };
  },
});

const ehlo = "250-mail.example.org\r\n250-PIPELINING\r\n250 8BITMIME\r\n";
const bye = [C("QUIT\r\n"), S("221 mail.example.org\r\n"), end];

const halfDone = [C("EHLO d\r\n"), S(ehlo), ...bye];

/** Half a command. The original spun there, so that the recording has neither handshake nor second server. */
const injectedPart: Departure = {
  reason: injection,
  see,
  ours: (theirs) => {
    const env_block = (theirs as Case).ucspitls?.env_block ?? "";
    const reported = env_block
      .split("\0")
      .filter((item) => item !== "")
      .map((item): [string, string] => [item.slice(0, item.indexOf("=")), item.slice(item.indexOf("=") + 1)]);
    const [first] = theirs.child_runs ?? [];
    const whole = injected("STARTTLS\r\nMAIL FR", 7, "220 mail.example.org ESMTP\r\n", ...halfDone);
    if (typeof whole.ours !== "function") return {};
    return whole.ours({
      ...theirs,
      steps: [...theirs.steps, { tls: true, control_read: "Y", env_block }],
      child_runs: [first!, { ...first!, env: { ...Object.fromEntries(reported), FIXSMTPIOTLS: "1" } }],
    });
  },
};

export const fixsmtpioDepartures: Readonly<Record<string, Departure>> = {
  "fixsmtpio/nofixsmtpio-exec-fails-falls-through": {
    reason: "a program that cannot be run is told by its name",
    see,
    ours: { exit: 111, stderr: "fixsmtpio: unable to run no-such-program: file does not exist\n" },
  },
  "fixsmtpio/parse-ok-exit-trailing-letters": refused("14abc"),
  "fixsmtpio/parse-ok-exit-hex": refused("0x10"),
  "fixsmtpio/glob-stops-at-nul-in-reply": hears("a NUL does not hide the rest of a line from a glob", {
    1: "250 a\0bcd\r\n",
  }),
  "fixsmtpio/multi-replacement-has-no-separator": hears(shortLines, {
    1: "250-one\r\n250-\r\n250 three\r\n",
  }),
  "fixsmtpio/multi-no-rules-reformats-anyway": hears("a reply that no rule changed is passed on as it came", {
    1: "250-one\r\n250/two\r\n250 three\r\n",
  }),
  "fixsmtpio/exitcode-on-pipelined-first-of-two": {
    reason: "the recorder left the server's part out",
    see,
    ours: {
      child_runs: [
        {
          program: "child",
          argv: ["child"],
          env: {},
          received: "MAIL FROM:<>\r\nRCPT TO:<x@y>\r\n",
          saw_eof: true,
        },
      ],
    },
  },
  "fixsmtpio/data-bare-lf-lines": goesOn(
    endOfData,
    `${transaction}a\nb\n..\nc\n\r\n.\r\nQUIT\r\n`,
    greeted,
    ...asksForData,
    C("a\nb\n.\nc\n\r\n.\r\n"),
    S("250 ok\r\n"),
    ...quits,
  ),
  "fixsmtpio/data-bare-lf-terminator": {
    reason: endOfData,
    see,
    ours: (theirs) => ({
      steps: [greeted, ...asksForData, C("a\n.\n"), S(""), C("NOOP\r\n"), S(""), { shutdown: true }, end],
      exit: 0,
      child_runs: runs(theirs, { received: `${transaction}a\n..\nNOOP\r\n`, saw_eof: true }),
    }),
  },
  "fixsmtpio/client-closes-while-child-answers": {
    reason: owedReplies + ", and its server can write them",
    see,
    ours: (theirs) => ({ exit: 5, child_runs: runs(theirs, { saw_eof: true }) }),
  },
  "fixsmtpio/tls-ehlo-single-line-no-advertisement": {
    reason: "STARTTLS is offered also when the reply to EHLO has one line",
    see,
    ours: (theirs) => ({
      ...tls(theirs),
      steps: heard(theirs.steps, { 1: "250-mail.example.org\r\n250 STARTTLS\r\n" }),
    }),
  },
  "fixsmtpio/tls-child-slow-answer-to-noop": {
    reason: "the recorder did not wait for the 220",
    see,
    ours: (theirs) => {
      const { steps, ...rest } = tls(theirs);
      return { ...rest, steps: heard(steps, { 1: "220 Ready to start TLS (#5.7.0)\r\n" }) };
    },
  },

  "bugs/fixsmtpio/parse-ok-exit-4294967296-wraps-to-0": refused("4294967296"),
  "bugs/fixsmtpio/parse-ok-exit-4294967295-wraps-to-none": refused("4294967295"),
  "bugs/fixsmtpio/parse-ok-exit-4294967294-restarts-child": refused("4294967294"),
  "bugs/fixsmtpio/rule-two-lines-with-nul": {
    reason: "a NUL does not end a line",
    see,
    ours: {
      stderr:
        "fixsmtpio: control/fixsmtpio:1:16: a rule cannot have a NUL byte\nfixsmtpio: unable to parse control/fixsmtpio\n",
    },
  },
  "bugs/fixsmtpio/multi-replacement-of-three-bytes-as-last": hears(shortLines, {
    1: "250-one\r\n250-two\r\n250\r\n",
  }),
  "bugs/fixsmtpio/multi-replacement-of-two-bytes-as-last": hears(shortLines, {
    1: "250-one\r\n250-two\r\nok\r\n",
  }),
  "bugs/fixsmtpio/single-replacement-two-bytes": hears(shortLines, { 1: "ok\r\n" }),
  "bugs/fixsmtpio/single-replacement-three-bytes": hears(shortLines, { 1: "250\r\n" }),
  "bugs/fixsmtpio/single-line-tab-separator-hangs": hears("a line that announces no other ends the reply", {
    1: "250\tok\r\n",
    2: "250 flushed\r\n",
  }),
  "bugs/fixsmtpio/single-line-code-only-hangs": hears("a line that announces no other ends the reply", {
    1: "250\r\n",
    2: "250 flushed\r\n",
  }),
  "bugs/fixsmtpio/client-sends-word-timeout": goesOn(
    ownEvents,
    "TIMEOUT\r\nQUIT\r\n",
    S("235 ok, go ahead (#2.0.0)\r\n"),
    C("TIMEOUT\r\n"),
    S("502 unimplemented (#5.5.1)\r\n"),
    ...bye,
  ),
  "bugs/fixsmtpio/client-sends-word-clienteof": goesOn(
    ownEvents,
    "CLIENTEOF\r\nQUIT\r\n",
    S("235 ok, go ahead (#2.0.0)\r\n"),
    C("CLIENTEOF\r\n"),
    S("502 unimplemented (#5.5.1)\r\n"),
    ...bye,
  ),
  "bugs/fixsmtpio/data-split-dot-then-crlf": hears(endOfData, { 6: "250 rule seen\r\n" }),
  "bugs/fixsmtpio/data-split-dotcr-then-lf": hears(endOfData, { 6: "250 rule seen\r\n" }),
  "bugs/fixsmtpio/data-false-terminator-after-split-line": goesOn(
    endOfData,
    `${transaction}hello.\r\nNOOP inside message\r\n.\r\nXX NOOP\r\nQUIT\r\n`,
    greeted,
    ...asksForData,
    C("hello"),
    S(""),
    C(".\r\n"),
    S(""),
    C("NOOP inside message\r\n"),
    S(""),
    C(".\r\n"),
    S("250 ok\r\n"),
    C("NOOP\r\n"),
    S("250 rule seen\r\n"),
    ...quits,
  ),
  "bugs/fixsmtpio/data-terminator-and-quit-in-one-write": goesOn(
    endOfData,
    `${transaction}hello\r\n.\r\nNOOP\r\nQUIT\r\n`,
    greeted,
    ...asksForData,
    C("hello\r\n.\r\nNOOP\r\n"),
    S("250 ok\r\n250 rule seen\r\n"),
    ...quits,
  ),
  "bugs/fixsmtpio/data-second-message-pipelined-after-dot": goesOn(
    endOfData,
    `${transaction}hello\r\n.\r\nMAIL FROM:<e@f>\r\nQUIT\r\n`,
    S("235 ok, go ahead (#2.0.0)\r\n"),
    ...asksForData,
    C("hello\r\n.\r\nMAIL FROM:<e@f>\r\n"),
    S("250 ok\r\n250 ok\r\n"),
    ...bye,
  ),
  "bugs/fixsmtpio/data-pipelined-with-content": hears(
    "what follows DATA is the message, when the server wants it",
    {
      2: "250 rule seen\r\n",
      3: "221 child.example\r\n",
    },
  ),
  "bugs/fixsmtpio/data-354-without-space-is-not-accepted": hears(
    "a reply of several lines has the code 354 too",
    {
      5: "250 rule seen\r\n",
      6: "221 child.example\r\n",
    },
  ),
  "bugs/fixsmtpio/data-terminator-across-8192-read": hears(endOfData, { 5: "250 rule seen\r\n" }),
  "bugs/fixsmtpio/pipelined-over-8192-bytes-line-split-by-read": {
    reason: partialLines,
    see,
    ours: (theirs) => {
      const sent = theirs.steps.find((step) => "send" in step)!;
      const count = (sent as { send: string }).send.split("\r\n").length - 1;
      return {
        steps: [greeted, sent, S("250 n\r\n".repeat(count)), { shutdown: true }, end],
        exit: 0,
        child_runs: runs(theirs, { received: (sent as { send: string }).send, saw_eof: true }),
      };
    },
  },
  "bugs/fixsmtpio/command-line-8193-bytes": {
    reason: partialLines,
    see,
    ours: (theirs) => {
      const sent = theirs.steps.find((step) => "send" in step)!;
      return {
        steps: [greeted, sent, S("250 ok\r\n"), { shutdown: true }, end],
        exit: 0,
        child_runs: runs(theirs, { received: (sent as { send: string }).send, saw_eof: true }),
      };
    },
  },
  "bugs/fixsmtpio/command-split-in-two-writes": goesOn(
    partialLines,
    "NOOP\r\nQUIT\r\n",
    greeted,
    C("NO"),
    S(""),
    C("OP\r\n"),
    S("250 ok\r\n"),
    ...quits,
  ),
  "bugs/fixsmtpio/command-split-before-lf": goesOn(
    partialLines,
    "NOOP\r\nQUIT\r\n",
    greeted,
    C("NOOP\r"),
    S(""),
    C("\n"),
    S("250 ok\r\n"),
    ...quits,
  ),
  "bugs/fixsmtpio/command-and-half-in-one-write": goesOn(
    partialLines,
    "NOOP\r\nRSET\r\nQUIT\r\n",
    greeted,
    C("NOOP\r\nRS"),
    S("250 ok\r\n"),
    C("ET\r\n"),
    S("250 flushed\r\n"),
    ...quits,
  ),
  "bugs/fixsmtpio/partial-command-then-eof": {
    reason: partialLines,
    see,
    ours: (theirs) => ({
      steps: [S("235 ok, go ahead (#2.0.0)\r\n"), C("QUI"), S(""), { shutdown: true }, end],
      exit: 0,
      child_runs: runs(theirs, { saw_eof: true }),
    }),
  },
  "bugs/fixsmtpio/pipelined-200000-bytes-deadlock": {
    reason: "neither direction ever waits for the other",
    see,
    ours: (theirs) => ({
      steps: [...theirs.steps, S(`214 ${"h".repeat(100)}\r\n`.repeat(25_000)), { shutdown: true }, end],
      exit: 0,
      child_runs: runs(theirs, { saw_eof: true }),
    }),
  },
  "bugs/fixsmtpio/client-eof-right-after-quit-loses-answer": {
    reason: owedReplies,
    see,
    ours: ({ steps }) => ({ steps: [...steps.slice(0, -1), S("221 child.example\r\n"), end] }),
  },
  "bugs/fixsmtpio/client-eof-right-after-pipeline-loses-answers": {
    reason: owedReplies,
    see,
    ours: ({ steps }) => ({
      steps: [...steps.slice(0, -1), S(`${ehlo}250 ok\r\n221 mail.example.org\r\n`), end],
      exit: 0,
    }),
  },
  "bugs/fixsmtpio/child-exit-partial-line-lost": hears(lastWords, { 1: "250 ok\r\n221 by\r\n" }),
  "bugs/fixsmtpio/child-exit-incomplete-multiline-lost": {
    reason: lastWords,
    see,
    ours: ({ steps }) => ({ steps: [...steps.slice(0, -1), S("250-one\r\n250-two\r\n"), end] }),
  },
  "bugs/fixsmtpio/child-exit-greeting-without-newline": {
    reason: lastWords,
    see,
    ours: { steps: [S("220 hi\r\n"), end] },
  },
  "bugs/fixsmtpio/tls-env-block-two-short-variables": block,
  "bugs/fixsmtpio/tls-env-block-one-variable": block,
  "bugs/fixsmtpio/tls-env-block-cipher-first": block,
  "bugs/fixsmtpio/tls-env-block-s6-like": block,
  "bugs/fixsmtpio/tls-env-block-four-equal": block,
  "bugs/fixsmtpio/tls-env-block-eight-equal": block,
  "bugs/fixsmtpio/tls-env-block-empty-value": block,
  "bugs/fixsmtpio/tls-env-block-value-with-equals": block,
  "bugs/fixsmtpio/tls-ehlo-auth-line-second-removed-with-starttls": {
    reason: "a rule that removes the second line leaves the offer of STARTTLS",
    see,
    ours: (theirs) => ({
      ...tls(theirs),
      steps: heard(theirs.steps, { 1: "250-mail.example.org\r\n250-STARTTLS\r\n250 8BITMIME\r\n" }),
    }),
  },
  "bugs/fixsmtpio/tls-injection-mail-after-starttls": injected(
    "STARTTLS\r\nMAIL FROM:<bob@example.com>\r\n",
    29,
    "220 mail.example.org ESMTP\r\n",
    C("EHLO d\r\n"),
    S(ehlo),
    ...bye,
  ),
  "bugs/fixsmtpio/tls-injection-partial-line": injectedPart,
  "bugs/fixsmtpio/tls-injection-two-commands": injected(
    "STARTTLS\r\nRSET\r\nNOOP\r\n",
    12,
    "220 mail.example.org ESMTP\r\n",
    C("EHLO d\r\n"),
    S(ehlo),
    ...bye,
  ),
  "bugs/fixsmtpio/tls-injection-before-starttls-answer-no-rules": injected(
    "STARTTLS\r\nNOOP\r\n",
    6,
    "220 child.example ESMTP\r\n",
    C("RSET\r\n"),
    S("250 flushed\r\n"),
    ...quits,
  ),
  "bugs/fixsmtpio/tls-pipelined-command-before-starttls": injected(
    "NOOP\r\nSTARTTLS\r\n",
    0,
    "220 mail.example.org ESMTP\r\n",
    C("EHLO d\r\n"),
    S(ehlo),
    ...bye,
  ),
};
