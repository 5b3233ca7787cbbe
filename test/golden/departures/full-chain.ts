/** Where the services as a whole differ from the originals on purpose: mostly in what they log. */
import type { Case, Outcome } from "../../runner/case.ts";
import type { Departure, Rule } from "../departures.ts";
import { all } from "./changes.ts";

const isChain = ({ program }: Case) => program === "sslserver";

/** The log with its lines changed; it is sorted, since the order between processes is not fixed. */
function changeLog({ stderr = "" }: Outcome, change: (lines: string[]) => string[]): Pick<Outcome, "stderr"> {
  const lines = change(stderr.split("\n").filter((line) => line !== ""));
  return { stderr: `${lines.sort().join("\n")}\n` };
}

/** Who tried to log in, and whether it went well: each attempt is followed by its failure, or was right. */
function attemptsOf(theirs: Outcome): { user: string; right: boolean }[] {
  const lines = (theirs as Case & { log?: readonly string[] }).log ?? [];
  const events = lines.flatMap(
    (line) => /^authup <PID> checkpassword <PID> (attempt for .*|failed), ?/.exec(`${line},`)?.slice(1) ?? [],
  );
  return events.flatMap((event, at) => {
    const user = /^attempt for (.*)/.exec(event)?.[1]?.replace(/,$/, "");
    return user === undefined ? [] : [{ user, right: events[at + 1] !== "failed" }];
  });
}

export const chainRules: readonly Rule[] = [
  {
    reason: "Each session has a line of its own at its end: who, what, how much, how long.",
    see: "docs/specifications.md#sslserver-and-rblsmtpd",
    applies: isChain,
    ours: (theirs) =>
      changeLog(theirs, (lines) => {
        const server = lines.map((line) => /^(.*): status: 0\/\d+$/.exec(line)?.[1]).find((name) => name);
        return [...lines, `${server}: session <FACTS>`];
      }),
  },
  {
    reason: "A failed login has a line that names user and client: what fail2ban reads.",
    see: "authup(8)",
    applies: isChain,
    ours: (theirs) =>
      changeLog(theirs, (lines) => [
        ...lines,
        ...attemptsOf(theirs)
          .filter(({ right }) => !right)
          .map(({ user }) => `authup <PID> failed login for ${user} from 127.0.0.1`),
      ]),
  },
  {
    reason: "A handshake that did not take place is not logged as accepted.",
    see: "docs/specifications.md#sslserver-and-rblsmtpd",
    applies: isChain,
    ours: (theirs) =>
      theirs.steps.some((step) => "starttls" in step)
        ? {}
        : changeLog(theirs, (lines) => lines.filter((line) => line !== "sslserver: ssl <PID> accept ")),
  },
  {
    reason: "checkpassword says whom it let in.",
    see: "docs/specifications.md#checknotroot-checkpassword",
    applies: isChain,
    ours: (theirs) =>
      changeLog(theirs, (lines) => [
        ...lines,
        ...attemptsOf(theirs)
          .filter(({ right }) => right)
          .map(({ user }) => `checkpassword <PID> accepted ${user}`),
      ]),
  },
];

export const chainDepartures: Readonly<Record<string, Departure>> = {
  ...all(
    "full-chain",
    "The program is not killed when a handshake fails: it may log it, and its own exit code is in the log.",
    "docs/specifications.md, sslserver-handshake-failure",
    "incoming-starttls-handshake-garbage",
    "incoming-starttls-client-closes-instead-of-handshake",
  ),
  ...all(
    "full-chain",
    "The log has the exit code of the program; the original forgot it.",
    "docs/specifications.md, sslserver-status",
    "incoming-client-closes-at-once",
    "submission-client-closes-at-once",
    "pop3-close-at-once",
  ),
  ...all(
    "full-chain",
    "The log has the exit code of qmail-smtpd, which is 1 after a bare line feed.",
    "docs/specifications.md, sslserver-status",
    "incoming-bare-lf-in-message",
  ),
  ...all(
    "full-chain",
    "A client of this machine is on no list, and none is asked.",
    "docs/specifications.md, rblsmtpd-lookups",
    "incoming-rbl-listed",
  ),
  ...all(
    "full-chain",
    "The log says what is wrong with the rules, and where; and how the program ended.",
    "docs/specifications.md, sslserver-status",
    "incoming-rules-do-not-parse",
  ),
  ...all(
    "full-chain",
    "Text in clear behind STARTTLS or STLS is an attack or a broken client: TLS does not begin after it.",
    "docs/specifications.md, tls-injection",
    "submission-starttls-injection-dropped",
  ),
  ...all(
    "full-chain",
    "The log says which control file it was; and how the program ended.",
    "docs/specifications.md, sslserver-status",
    "submission-no-capabilities-file",
    "pop3-no-capabilities-file",
  ),
  ...all(
    "full-chain",
    "checkpassword says whom it let in, before the next program cannot be started.",
    "docs/specifications.md, authup-success",
    "submission-server-program-missing",
  ),
  ...all(
    "full-chain",
    "STAT counts the messages that are left (RFC 1939 §5).",
    "docs/specifications.md, pop3d-stat",
    "pop3-login-dele-quit",
  ),
  ...all(
    "bugs/full-chain",
    "A command may arrive in any number of pieces.",
    "docs/specifications.md, fixsmtpio-partial-lines",
    "incoming-split-command-hangs",
    "submission-split-command-after-auth-hangs",
  ),
  ...all(
    "bugs/full-chain",
    "Text in clear behind STARTTLS or STLS is an attack or a broken client: TLS does not begin after it.",
    "docs/specifications.md, tls-injection",
    "incoming-starttls-pipelined-plaintext-injection",
    "pop3-stls-injection",
  ),
  ...all(
    "bugs/full-chain",
    "A carriage return at the end of a capability is no part of it.",
    "docs/specifications.md, authup-capabilities",
    "submission-capabilities-from-documented-recipe",
  ),
  ...all(
    "bugs/full-chain",
    "Base64 that is none is malformed input.",
    "docs/specifications.md, authup-base64",
    "submission-auth-plain-equals-crash",
  ),
  ...all(
    "bugs/full-chain",
    "DATA ends at CR LF . CR LF wherever the reads fall.",
    "docs/specifications.md, fixsmtpio-data",
    "submission-message-terminator-in-two-tls-records",
  ),
  ...all(
    "bugs/full-chain",
    "A password with commands behind it is refused, since they would be lost to the next program.",
    "docs/specifications.md, authup-pipelining",
    "pop3-pipelined-after-pass-lost",
  ),
};
