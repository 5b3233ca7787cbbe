/** A session in which one event happens, for `acceptutils rules explain`. */
import { playSession } from "../../../protocol/fixsmtpio/player.ts";
import type { RuleSet } from "../../../protocol/fixsmtpio/rule-set.ts";
import type { Act, Session } from "../../../protocol/fixsmtpio/session-file.ts";
import { Misused } from "../verb.ts";

const greeted: Act = { do: "server says", text: "220 server ESMTP\r\n" };
const says = (text: string): Act => ({ do: "client says", text });

/** The events that no request of a client's is, and what comes before them. */
const before: ReadonlyMap<string, readonly Act[]> = new Map([
  ["greeting", []],
  ["timeout", [greeted]],
  ["clienteof", [greeted, { do: "client ends" }]],
  ["in_data", [greeted, says("DATA\r\n"), { do: "server says", text: "354 go ahead\r\n" }, says(".\r\n")]],
]);

const words = new Map([
  ["ehlo", " localhost"],
  ["helo", " localhost"],
  ["bdat", " 0 LAST"],
]);

/** What the client says for an event that is a request; undefined when it is none. */
export function requestOf(event: string): string | undefined {
  if (before.has(event)) return undefined;
  return `${event.toUpperCase()}${words.get(event) ?? ""}\r\n`;
}

/** `session` with this event, and the reply to it, if there is one. */
export function sessionOf(event: string, session: Omit<Session, "moments">, reply: string): Session {
  const acts = [...(before.get(event) ?? [greeted, says(requestOf(event)!)])];
  if (reply !== "") acts.push({ do: "server says", text: reply });
  return { ...session, moments: acts.map((act) => ({ act, serverHears: "", clientHears: "" })) };
}

/** What a server is asked for this event: the request as the rules send it on. Throws Misused when it cannot be asked. */
export function askedFor(
  event: string,
  session: Omit<Session, "moments">,
  rules: RuleSet,
): readonly string[] {
  if (event === "greeting") return [];
  if (requestOf(event) === undefined)
    throw new Misused(`no server can be asked for ${event}: say --reply LINE`);
  const last = playSession(sessionOf(event, session, ""), rules).moments.at(-1);
  return last === undefined || last.serverHears === "" ? [] : [last.serverHears];
}
