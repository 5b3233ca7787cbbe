/** SMTP until the client is known: RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH). authup(8) */
import { begin } from "../sasl/exchange.ts";
import { offerable } from "../sasl/mechanisms.ts";
import { latin1 } from "../wipeable.ts";
import { exchanged } from "./authorization-state.ts";
import { type Dialect, type Need, type Outcome, type Session, say, type Verb } from "./session.ts";
import { smtpTrouble } from "./words.ts";

const needs = {
  /** TLS is there to be started. */
  offered: {
    met: ({ settings, secure }) => settings.tls !== "unavailable" && !secure,
    refusal: "502 unimplemented (#5.5.1)",
  },
  working: { met: ({ settings }) => settings.canStartTls, refusal: smtpTrouble("noTls") },
  secure: {
    met: ({ settings, secure }) => secure || settings.tls !== "required",
    refusal: smtpTrouble("needTls"),
  },
} satisfies Record<string, Need>;

/** When each verb is welcome. Needs are read left to right; the first unmet one is the answer. */
const verbs = new Map<string, Verb>([
  ["HELO", { needs: [], run: helo }],
  ["EHLO", { needs: [], run: ehlo }],
  ["STARTTLS", { needs: [needs.offered, needs.working], run: startTls }],
  ["AUTH", { needs: [needs.secure], run: authenticate }],
  ["NOOP", { needs: [], run: noop }],
  ["HELP", { needs: [], run: help }],
  ["QUIT", { needs: [], run: quit }],
]);

// RFC 4954 §4: an AUTH command or response may have 12,288 octets. Others: RFC 5321 §4.5.3.1.4 asks for 512.
const longestAuth = 12_288 - 2;
const longestCommand = 2_048 - 2;

export const smtp: Dialect = {
  verbs,
  unknownVerb: "530 authup authentication required (#5.7.1)",
  greeting: ({ greeting }) => `220 ${greeting} ESMTP`,
  trouble: smtpTrouble,
  challenge: (base64) => `334 ${base64}`,
  longestLine(session, head) {
    const auth = session.exchange !== undefined || /^auth /i.test(latin1(head, 0, 5));
    return auth ? longestAuth : longestCommand;
  },
};

function helo(session: Session): Outcome {
  return [session, [say(`250 ${session.settings.greeting}`)]];
}

function ehlo(session: Session): Outcome {
  const { settings, channel } = session;
  const lines = [settings.greeting];
  if (needs.offered.met(session) && needs.working.met(session)) lines.push("STARTTLS");
  const mechanisms = offerable(settings.mechanisms, channel);
  // RFC 4954 §4: clients that see AUTH expect that they may use it.
  if (mechanisms.length > 0 && (needs.secure.met(session) || settings.showAuthBeforeTls)) {
    lines.push(`AUTH ${mechanisms.join(" ")}`);
    if (settings.brokenClients) lines.push(`AUTH=${mechanisms.join(" ")}`);
  }
  lines.push(...settings.capabilities);
  const reply = lines.map((line, at) => `250${at === lines.length - 1 ? " " : "-"}${line}`);
  return [session, [say(reply.join("\r\n"))]];
}

function startTls(session: Session): Outcome {
  return [session, [say("220 Ready to start TLS (#5.7.0)"), { do: "startTls" }]];
}

function authenticate(session: Session, argument: Uint8Array, more: boolean): Outcome {
  const offered = offerable(session.settings.mechanisms, session.channel);
  return exchanged(smtp, session, begin(argument, offered), more);
}

function noop(session: Session): Outcome {
  return [session, [say("250 ok")]];
}

function help(session: Session): Outcome {
  return [session, [say("214 authup home page: https://schmonz.com/software/acceptutils")]];
}

function quit(session: Session): Outcome {
  return [session, [say(`221 ${session.settings.greeting}`), { do: "hangUp", code: 0 }]];
}
