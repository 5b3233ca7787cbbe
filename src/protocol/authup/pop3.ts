/**
 * POP3 until the client is known: RFC 1939 §4, RFC 2449 (CAPA), RFC 2595 (STLS), RFC 5034 (AUTH), RFC 3206 (response
 * codes). authup(8)
 */
import { Secret } from "../checkpassword/secret.ts";
import { begin } from "../sasl/exchange.ts";
import { offerable } from "../sasl/mechanisms.ts";
import { isUserName } from "../sasl/user-name.ts";
import { latin1, wipeableCopy } from "../wipeable.ts";
import { ask, exchanged } from "./authorization-state.ts";
import { type Dialect, type Need, type Outcome, type Session, say, type Verb } from "./session.ts";
import { pop3Trouble } from "./words.ts";

const needs = {
  /** TLS is there to be started. */
  offered: {
    met: ({ settings, secure }) => settings.tls !== "unavailable" && !secure,
    refusal: "-ERR STLS not available",
  },
  working: { met: ({ settings }) => settings.canStartTls, refusal: pop3Trouble("noTls") },
  secure: {
    met: ({ settings, secure }) => secure || settings.tls !== "required",
    refusal: pop3Trouble("needTls"),
  },
  /** Who may not log in by a password may not do so by USER and PASS. */
  passwords: {
    met: ({ settings }) => settings.mechanisms.some((name) => name === "PLAIN" || name === "LOGIN"),
    refusal: pop3Trouble("mechanism"),
  },
  apop: {
    met: ({ settings }) => settings.mechanisms.includes("APOP"),
    refusal: "-ERR authup authorization first",
  },
  user: { met: ({ user }) => user !== undefined, refusal: "-ERR authup USER first" },
} satisfies Record<string, Need>;

/** When each verb is welcome. Needs are read left to right; the first unmet one is the answer. */
const verbs = new Map<string, Verb>([
  ["CAPA", { needs: [], run: capa }],
  ["STLS", { needs: [needs.offered, needs.working], run: startTls }],
  ["AUTH", { needs: [needs.secure], run: authenticate }],
  ["APOP", { needs: [needs.apop, needs.secure], run: apop }],
  ["USER", { needs: [needs.secure, needs.passwords], run: user }],
  ["PASS", { needs: [needs.user], run: pass }],
  ["NOOP", { needs: [], run: noop }],
  ["QUIT", { needs: [], run: quit }],
]);

// RFC 2449 §4 asks for 255 octets; RFC 5034 §4 leaves the length of responses to the mechanism: as in SMTP.
const longestAuth = 12_288 - 2;
const longestCommand = 2_048 - 2;

const syntaxError = say("-ERR authup syntax error");
const ok = say("+OK ");

export const pop3: Dialect = {
  verbs,
  unknownVerb: "-ERR authup authorization first",
  // RFC 1939 §7: a stamp in the greeting says that APOP is offered; clients that believe it where it is not fail.
  greeting: ({ greeting, stamp, showStamp, mechanisms }) =>
    `+OK ${showStamp || mechanisms.includes("APOP") ? stamp : greeting}`,
  trouble: pop3Trouble,
  challenge: (base64) => `+ ${base64}`,
  longestLine(session, head) {
    const auth = session.exchange !== undefined || /^auth /i.test(latin1(head, 0, 5));
    return auth ? longestAuth : longestCommand;
  },
};

function capa(session: Session): Outcome {
  const { settings } = session;
  const lines = ["+OK capability list follows"];
  if (needs.offered.met(session) && needs.working.met(session)) lines.push("STLS");
  // RFC 2595 §4: USER is listed where it may be used.
  if (needs.secure.met(session) || settings.showAuthBeforeTls) {
    const mechanisms = offerable(settings.mechanisms, session.channel);
    if (needs.passwords.met(session)) lines.push("USER");
    if (mechanisms.length > 0) lines.push(`SASL ${mechanisms.join(" ")}`);
  }
  lines.push("RESP-CODES", "AUTH-RESP-CODE", ...settings.capabilities, ".");
  return [session, [say(lines.join("\r\n"))]];
}

function startTls(session: Session): Outcome {
  return [session, [say("+OK starting TLS negotiation"), { do: "startTls" }]];
}

function authenticate(session: Session, argument: Uint8Array, more: boolean): Outcome {
  // Without a mechanism it is a command that nobody has heard of: some clients ask so for a list.
  if (argument.length === 0) return [session, [say(pop3.unknownVerb)]];
  const offered = offerable(session.settings.mechanisms, session.channel);
  return exchanged(pop3, session, begin(argument, offered), more);
}

/** RFC 1939 §7: the digest is of the stamp in our greeting and the password. */
function apop(session: Session, argument: Uint8Array, more: boolean): Outcome {
  if (argument.length === 0) return [session, [syntaxError]];
  if (more) return [session, [say(pop3Trouble("input"))]];
  const binding = Buffer.from(session.settings.stamp, "latin1").toString("hex");
  const initial = wipeableCopy(argument);
  return [
    { ...session, exchange: { expects: "message" } },
    [{ do: "converse", mechanism: "APOP", binding, certificate: [], initial }],
  ];
}

function user(session: Session, argument: Uint8Array): Outcome {
  if (argument.length === 0) return [session, [syntaxError]];
  if (!isUserName(argument)) return [session, [say(pop3Trouble("input"))]];
  return [{ ...session, user: Buffer.from(argument).toString("latin1") }, [ok]];
}

function pass(session: Session, argument: Uint8Array, more: boolean): Outcome {
  if (argument.length === 0) return [session, [syntaxError]];
  // A NUL would end the password early on checkpassword's descriptor, and begin another field.
  if (argument.includes(0) || session.user === undefined) return [session, [say(pop3Trouble("input"))]];
  return ask(pop3, session, { user: session.user, secret: Secret.copyOf(argument) }, more);
}

function noop(session: Session): Outcome {
  return [session, [ok]];
}

function quit(session: Session): Outcome {
  return [session, [ok, { do: "hangUp", code: 0 }]];
}
