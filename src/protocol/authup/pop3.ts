/** POP3 until the client is known: RFC 1939 §4, RFC 2449 (CAPA), RFC 2595 (STLS). authup(8) */
import { Secret } from "../checkpassword/secret.ts";
import { isUserName } from "../sasl/user-name.ts";
import { ask } from "./authorization-state.ts";
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
  user: { met: ({ user }) => user !== undefined, refusal: "-ERR authup USER first" },
} satisfies Record<string, Need>;

/** When each verb is welcome. Needs are read left to right; the first unmet one is the answer. */
const verbs = new Map<string, Verb>([
  ["CAPA", { needs: [], run: capa }],
  ["STLS", { needs: [needs.offered, needs.working], run: startTls }],
  ["USER", { needs: [needs.secure], run: user }],
  ["PASS", { needs: [needs.user], run: pass }],
  ["NOOP", { needs: [], run: noop }],
  ["QUIT", { needs: [], run: quit }],
]);

const syntaxError = say("-ERR authup syntax error");
const ok = say("+OK ");

export const pop3: Dialect = {
  verbs,
  unknownVerb: "-ERR authup authorization first",
  // RFC 1939 §7: a stamp in the greeting says that APOP is offered, and clients that believe it fail.
  greeting: ({ greeting, stamp, showStamp }) => `+OK ${showStamp ? stamp : greeting}`,
  trouble: pop3Trouble,
  respond: (session) => [session, []],
  longestLine: () => 2_048 - 2,
};

function capa(session: Session): Outcome {
  const { settings } = session;
  const lines = ["+OK capability list follows"];
  if (needs.offered.met(session) && needs.working.met(session)) lines.push("STLS");
  // RFC 2595 §4: USER is listed where it may be used.
  if (needs.secure.met(session) || settings.showAuthBeforeTls) lines.push("USER");
  lines.push(...settings.capabilities, ".");
  return [session, [say(lines.join("\r\n"))]];
}

function startTls(session: Session): Outcome {
  return [session, [say("+OK starting TLS negotiation"), { do: "startTls" }]];
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
