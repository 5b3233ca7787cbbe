/**
 * The conversation before authentication, the part that SMTP and POP3 share: lines become verbs, refusals are
 * counted, and what checkpassword came to decides how it goes on.
 */
import { formatFields } from "../checkpassword/fields.ts";
import { respond, type Step } from "../sasl/exchange.ts";
import { latin1 } from "../wipeable.ts";
import {
  type Action,
  type Checked,
  type Dialect,
  fresh,
  type Line,
  type News,
  type Outcome,
  type Question,
  type Session,
  type Settings,
  say,
} from "./session.ts";
import { loggable } from "./words.ts";

/** So many commands may be refused; the next one ends the session. */
export const maximumRefusals = 20;

/** The session as a client meets it: the greeting is the first action. */
export function begin(dialect: Dialect, settings: Settings): Outcome {
  return [fresh(settings), [say(dialect.greeting(settings))]];
}

/**
 * One piece of news in; out come the next session and what the shell must do, in order. A line is wiped: it may hold a
 * password.
 */
export function step(dialect: Dialect, session: Session, news: News): Outcome {
  switch (news.on) {
    case "line":
      return counted(dialect, session, lineCame(dialect, session, news));
    case "overlongLine":
      return counted(dialect, session, [
        { ...session, exchange: undefined },
        [say(dialect.trouble("tooLong")), ...ending(session)],
      ]);
    case "silence":
      return [session, [say(dialect.trouble("timeout")), { do: "hangUp", code: 1 }]];
    case "end":
      return [session, [{ do: "hangUp", code: 1 }]];
    case "secured": {
      // RFC 3207 §4.2, RFC 2595 §4: what was said in clear may have been said by anybody. Only tries are not won back.
      const { settings, triesLeft, refusals } = session;
      return [
        { ...fresh(settings), secure: true, channel: news.channel, triesLeft, refusals },
        [{ do: "log", words: "negotiated TLS" }],
      ];
    }
    case "challenge": {
      const base64 = Buffer.from(news.octets).toString("base64");
      return [session, [say(dialect.challenge(base64))]];
    }
    case "checked":
      return checked(dialect, session, news);
    default:
      return news satisfies never;
  }
}

function lineCame(dialect: Dialect, session: Session, { bytes, more }: Line): Outcome {
  const outcome =
    session.exchange === undefined
      ? commandCame(dialect, session, bytes, more)
      : exchanged(dialect, session, respond(session.exchange, bytes), more);
  bytes.fill(0); // whatever it was: clients say passwords out of turn, too
  return outcome;
}

function commandCame(dialect: Dialect, session: Session, line: Uint8Array, more: boolean): Outcome {
  const { verb, argument } = parseCommand(line);
  const known = dialect.verbs.get(verb);
  if (known === undefined) return [session, [say(dialect.unknownVerb)]];
  const unmet = known.needs.find((need) => !need.met(session));
  return unmet === undefined ? known.run(session, argument, more) : [session, [say(unmet.refusal)]];
}

/** STARTTLS. What is longer is nobody's verb, and may be a password: no string is made of it. */
const longestVerb = 8;

/** A line as verb and argument. The verb ends at the first space; a NUL ends everything, as it did in C. */
export function parseCommand(line: Uint8Array): { verb: string; argument: Uint8Array } {
  let end = 0;
  while (end < line.length && line[end] !== 0x20 && line[end] !== 0) end++;
  const verb = end > longestVerb ? "" : latin1(line, 0, end).toUpperCase();
  let from = end;
  while (line[from] === 0x20) from++;
  return { verb, argument: line.subarray(line[end] === 0 ? line.length : from) };
}

/** Counts the refusals, and ends the session in the place of one too many. */
function counted(dialect: Dialect, before: Session, [session, actions]: Outcome): Outcome {
  const [first] = actions;
  if (first?.do !== "reply" || !/^(?:5|-ERR)/.test(first.text)) return [session, actions];
  if (before.refusals >= maximumRefusals) {
    return [session, [say(dialect.trouble("tooManyRefusals")), { do: "hangUp", code: 1 }]];
  }
  return [{ ...session, refusals: before.refusals + 1 }, actions];
}

/** What a step of AUTH comes to. */
export function exchanged(dialect: Dialect, session: Session, step: Step, more: boolean): Outcome {
  if ("challenge" in step) {
    return [{ ...session, exchange: step.exchange }, [say(dialect.challenge(step.challenge))]];
  }
  const idle: Session = { ...session, exchange: undefined };
  if ("refused" in step) return [idle, [say(dialect.trouble(step.refused)), ...ending(session)]];
  if ("credentials" in step) return ask(dialect, session, step.credentials, more);
  const octets = "message" in step ? step.message : step.initial;
  if (more) {
    // As with a password: what follows may have been meant for the program after checkpassword.
    octets?.fill(0);
    return [idle, [say(dialect.trouble("input")), ...ending(session)]];
  }
  if ("message" in step) return [session, [{ do: "tell", message: step.message }]];
  const { mechanism, initial } = step;
  const { binding, certificate } = session.channel;
  return [
    { ...session, exchange: { expects: "message" } },
    [{ do: "converse", mechanism, binding, certificate, initial }],
  ];
}

/** Of an exchange that is over before its time. */
const ending = ({ exchange }: Session): Action[] =>
  exchange?.expects === "message" ? [{ do: "abandon" }] : [];

/** What a machine does once it has a name and a password: asks checkpassword. */
export function ask(dialect: Dialect, session: Session, { user, secret }: Question, more: boolean): Outcome {
  using _ = secret;
  const idle: Session = { ...session, exchange: undefined };
  // What the client sent after its password was meant for the program after checkpassword, and would be lost.
  if (more) return [idle, [say(dialect.trouble("input"))]];
  const fields = formatFields({ user, secret, timestamp: session.settings.stamp });
  if (fields !== undefined) return [idle, [{ do: "checkPassword", user, fields }]];
  const words = `checkpassword cannot take so much, for ${loggable(user)}`;
  return failed(dialect, idle, user, (left) => `${words}, ${left} remaining`);
}

/** The exit code of checkpassword, or of the program it became. Source: authup(8), EXIT CODES. */
function checked(dialect: Dialect, before: Session, { pid, user, ended }: Checked): Outcome {
  const session: Session = { ...before, exchange: undefined };
  const hangUp = (...replies: Action[]): Outcome => [session, [...replies, { do: "hangUp", code: 1 }]];
  if ("unable" in ended) return hangUp(say(dialect.trouble(ended.unable)));
  if ("signal" in ended) return hangUp(say(dialect.trouble("crash")));
  // The password was not looked at, so it costs no try. RFC 4954 §4, RFC 3206 §4
  if ("busy" in ended) return [session, [say(dialect.trouble("busy"))]];
  if ("malformed" in ended) return counted(dialect, session, [session, [say(dialect.trouble("input"))]]);
  switch (ended.code) {
    case 1: // not acceptable
    case 2: // misused
    case 111: // unable
      return failed(
        dialect,
        session,
        user,
        (left) => `checkpassword ${pid} failed, ${left} remaining`,
        ended.code === 1,
      );
    case 16: // fixsmtpio: the server timed out, and its words were hidden
      return hangUp(say(dialect.trouble("timeout")));
    case 18: // fixsmtpio: its rules do not parse
      return hangUp(say(dialect.trouble("controls")));
    default:
      return [
        session,
        [
          { do: "log", words: `checkpassword ${pid} succeeded, child completed` },
          ...told(session, { failed: false }),
          { do: "hangUp", code: ended.code },
        ],
      ];
  }
}

function failed(
  dialect: Dialect,
  session: Session,
  user: string,
  words: (triesLeft: number) => string,
  guessed = true,
): Outcome {
  const triesLeft = session.triesLeft - 1;
  const actions: Action[] = [{ do: "log", words: words(triesLeft) }];
  const { client } = session.settings;
  // What fail2ban reads: examples/fail2ban. A name has no blank here, so it cannot name another client. A database that
  // is away is nobody's guess.
  if (guessed && client !== "")
    actions.push({ do: "log", words: `failed login for ${loggable(user) || "?"} from ${client}` });
  if (guessed) actions.push(...told(session, { failed: true }));
  actions.push(say(dialect.trouble("authorization")));
  if (triesLeft <= 0) actions.push({ do: "hangUp", code: 1 });
  return [{ ...session, user: undefined, triesLeft }, actions];
}

const told = ({ settings: { client } }: Session, { failed }: { failed: boolean }): Action[] =>
  client === "" ? [] : [{ do: "tellBlocklist", failed, client }];
