/** Where our authup differs from the original on purpose. */
import type { Case } from "../../runner/case.ts";
import type { Departure, Rule } from "../departures.ts";
import { all, changeReplies, changeRuns } from "./changes.ts";

const isAuthup = ({ argv }: Case) => argv[0] === "authup";
const isPop3 = ({ argv }: Case) => argv[0] === "authup" && argv.some((word) => /^pop3$/i.test(word));

export const authupRules: readonly Rule[] = [
  {
    reason: "A stamp in the POP3 greeting says that APOP is offered (RFC 1939 §7), and here it is not.",
    see: "docs/specifications.md#authup",
    applies: isPop3,
    ours: (theirs) =>
      changeReplies(theirs, (text) => text.replace(/^\+OK <<PID>\.<TIME>@(.*)>\r\n/, "+OK $1\r\n")),
  },
  {
    reason:
      "CAPA names the mechanisms of AUTH (RFC 5034 §3), and says that response codes are given (RFC 3206 §6).",
    see: "docs/specifications.md#authup-mechanisms",
    applies: isPop3,
    ours: (theirs) =>
      changeReplies(theirs, (text) =>
        text.replace(
          /^(\+OK capability list follows\r\n(?:STLS\r\n)?)(USER\r\n)/m,
          "$1$2SASL LOGIN PLAIN\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n",
        ),
      ),
  },
  {
    reason: "A response code tells programs whose trouble it is (RFC 3206); people read on behind it.",
    see: "docs/specifications.md#authup-mechanisms",
    applies: isPop3,
    ours: (theirs) =>
      changeReplies(theirs, (text) =>
        text
          .replace(/^-ERR (?=authup authorization failed)/gm, "-ERR [AUTH] ")
          .replace(/^-ERR (?=authup (?:unable to fork|aack, child crashed))/gm, "-ERR [SYS/TEMP] "),
      ),
  },
  {
    reason: "A client that hangs up is told nothing: it would be told that a pipe could not be read.",
    see: "docs/specifications.md#authup",
    applies: isAuthup,
    ours: (theirs) =>
      changeReplies(theirs, (text) =>
        text.replace(/(454|-ERR) authup unable to read pipe( \(#4\.3\.0\))?\r\n$/, ""),
      ),
  },
  {
    reason: "Descriptor 3 gets exactly three fields; the original's third one grows by a NUL with each try.",
    see: "docs/specifications.md#authup",
    applies: isAuthup,
    ours: (theirs) =>
      changeRuns(theirs, (run) =>
        run.fd3 === undefined
          ? run
          : { ...run, fd3: run.fd3.replace(/^([^\0]*\0[^\0]*\0[^\0]*\0)\0+$/, "$1") },
      ),
  },
  {
    reason: "What would be refused before TLS is not offered before TLS (RFC 4954 §4, RFC 2595 §4).",
    see: "docs/specifications.md#authup",
    applies: (played) => isAuthup(played) && played.env["UCSPITLS"] === "!" && !("DISABLETLS" in played.env),
    ours: (theirs) =>
      changeReplies(theirs, (text, before) =>
        before.some((step) => "tls" in step || "starttls" in step)
          ? text
          : text.replace(/^(250-AUTH[ =]LOGIN PLAIN|USER|SASL LOGIN PLAIN)\r\n/gm, ""),
      ),
  },
  {
    reason: "The last variable that the TLS server reports is not lost.",
    see: "docs/specifications.md#authup",
    applies: ({ ucspitls }) => ucspitls !== undefined,
    ours: (theirs) => {
      const reported = Object.fromEntries(
        theirs.steps
          .flatMap((step) => ("tls" in step ? (step.env_block ?? "").split("\0") : []))
          .filter((item) => /^SSL_\w+=/.test(item))
          .map((item) => [item.slice(0, item.indexOf("=")), item.slice(item.indexOf("=") + 1)]),
      );
      return changeRuns(theirs, (run) =>
        "SSL_PROTOCOL" in run.env ? { ...run, env: { ...reported, ...run.env } } : run,
      );
    },
  },
];

export const authupDepartures: Readonly<Record<string, Departure>> = {
  ...all(
    "authup",
    "The log says which control file it was.",
    "docs/specifications.md#authup",
    "no-control-files",
    "no-smtpcapabilities",
    "no-pop3capabilities",
    "timeoutsmtpd-is-directory",
  ),
  ...all(
    "authup",
    "STARTTLS and AUTH are authup's own to offer; such lines of a capabilities file are passed over.",
    "docs/specifications.md#authup",
    "capabilities-includes-starttls-and-auth",
  ),
  ...all(
    "authup",
    "PLAIN has three fields, and nobody acts for another user (RFC 4616 §2).",
    "docs/specifications.md#authup",
    "plain-with-authzid",
    "plain-trailing-nul-field",
    "plain-fourth-field",
  ),
  ...all(
    "authup",
    "More than checkpassword reads from descriptor 3 can match no password.",
    "docs/specifications.md#authup",
    "plain-long-password-1000",
    "plain-long-password-9000",
  ),
  ...all(
    "authup",
    "What is sent before the answer to AUTH would be lost to the next program, so it is refused.",
    "docs/specifications.md#authup",
    "auth-pipelined-after-failed-auth-is-answered",
  ),
  ...all(
    "authup",
    "A number of tries is digits alone; 3abc is a mistake in the run script.",
    "docs/specifications.md#authup",
    "tries-3abc",
  ),
  ...all(
    "authup",
    "Text in clear behind STARTTLS is an attack or a broken client: TLS does not begin after it.",
    "docs/specifications.md#authup",
    "tls-starttls-plaintext-injection-dropped",
  ),
  ...all(
    "authup",
    "POP3 has AUTH as well (RFC 5034).",
    "docs/specifications.md#authup-mechanisms",
    "pop3-preauth-AUTH_PLAIN",
  ),
  ...all(
    "authup",
    "User names are UTF-8 (RFC 4616 §2); other bytes would reach the environment, the log and a header as something else.",
    "docs/specifications.md#authup",
    "plain-eight-bit",
    "pop3-eight-bit",
  ),
  ...all(
    "authup",
    "fixsmtpio says where the error in its rules is.",
    "docs/specifications.md#authup",
    "chain-rules-do-not-parse-exit-18",
  ),
  ...all(
    "authup",
    "Base64 is as RFC 4648 §4 has it: padded, nothing from outside the alphabet. Half of a password is none.",
    "docs/specifications.md#authup",
    "login-star-as-initial-response",
    "base64-login-user-two-chars",
    "base64-login-user-three-chars",
    "base64-login-user-invalid-chars",
    "base64-login-user-five-chars",
    "base64-login-user-invalid-chars-mixed",
    "base64-login-user-inner-padding",
    "base64-login-user-missing-padding",
    "base64-login-user-missing-padding-2",
    "base64-plain-missing-padding-2",
    "base64-plain-inner-padding",
    "auth-command-instead-of-response",
  ),
  ...all(
    "authup",
    "A command line has a limit, as RFC 5321 §4.5.3.1.4 has it, with room for AUTH (RFC 4954 §4).",
    "docs/specifications.md#authup",
    "smtp-long-command",
    "plain-password-100000-checkpassword-does-not-read",
  ),
  ...all(
    "authup",
    "A user name has no blanks and no control characters: it goes into the environment, the log and a header.",
    "docs/specifications.md#authup",
    "pop3-user-with-space",
  ),
  ...all(
    "bugs/authup",
    "Control files may end their lines in CR LF, and an EHLO reply always has a last line.",
    "docs/specifications.md#authup",
    "capabilities-empty-file",
    "capabilities-only-comments",
    "capabilities-crlf-as-the-documented-recipe-produces",
    "pop3-capabilities-crlf",
  ),
  ...all(
    "bugs/authup",
    "A user name has no blanks and no control characters: it goes into the environment, the log and a header.",
    "docs/specifications.md#authup",
    "plain-log-injection",
    "login-nul-in-user-name",
  ),
  ...all(
    "bugs/authup",
    "What is wrong in an exchange ends it, with one reply.",
    "docs/specifications.md#authup",
    "login-empty-user",
    "login-empty-password",
    "login-cancel-at-user",
    "login-cancel-at-password",
    "plain-cancel",
    "plain-empty-answer",
  ),
  ...all(
    "bugs/authup",
    "Base64 is as RFC 4648 §4 has it: padded, nothing from outside the alphabet. Half of a password is none.",
    "docs/specifications.md#authup",
    "base64-plain-equals-one",
    "base64-login-equals-one",
    "base64-plain-equals-two",
    "base64-login-equals-two",
    "base64-plain-equals-three",
    "base64-login-equals-three",
    "base64-plain-equals-four",
    "base64-login-equals-four",
    "base64-plain-equals-pad-five",
    "base64-login-equals-pad-five",
  ),
  ...all(
    "bugs/authup",
    "Nothing of a failed try is left for the next one.",
    "docs/specifications.md#authup",
    "stale-user-after-failed-try",
    "tries-pop3-pass-again-without-user",
  ),
  ...all(
    "bugs/authup",
    "What is sent before the answer to AUTH or PASS would be lost to the next program, so it is refused.",
    "docs/specifications.md#authup",
    "auth-pipelined-mail-after-auth-is-lost",
    "pop3-pipelined-stat-after-pass-is-lost",
  ),
  ...all(
    "bugs/authup",
    "A number of tries is digits alone, and one that fits.",
    "docs/specifications.md#authup",
    "tries-4294967296",
  ),
  ...all(
    "bugs/authup",
    "A program that cannot be run is named in the log, and the client hears one reply.",
    "docs/specifications.md#authup",
    "checkpassword-not-found",
    "checkpassword-not-found-pop3",
  ),
  ...all(
    "bugs/authup",
    "Text in clear behind STARTTLS or STLS is an attack or a broken client: TLS does not begin after it.",
    "docs/specifications.md#authup",
    "tls-stls-plaintext-injection",
    "tls-stls-plaintext-injection-user-pass",
  ),
  ...all(
    "bugs/authup",
    "Once TLS was promised, a session does not go on in clear.",
    "docs/specifications.md#authup",
    "tls-starttls-no-fds-smtp",
    "tls-stls-no-fds-pop3",
    "tls-starttls-control-closes",
    "tls-starttls-missing-sslctlfd",
    "tls-starttls-missing-sslreadfd",
    "tls-starttls-missing-sslwritefd",
  ),
  ...all(
    "bugs/authup",
    "All that the TLS server reports reaches the next program; a name without value is unset.",
    "docs/specifications.md#authup",
    "tls-env-block-two-short-variables",
    "tls-env-block-s6-like",
  ),
  ...all(
    "bugs/authup",
    "Without a clienteof rule nobody can tell a server's exit code 1 from a wrong password; but the client is gone, and authup with it.",
    "docs/specifications.md#authup",
    "chain-client-eof-without-clienteof-rule",
  ),
};
