/** Plays a session file through the conversation: the same engine, with a script in place of the two sides. */
import { Conversation, type Outcome } from "./conversation.ts";
import type { RuleSet } from "./rule-set.ts";
import type { Act, Moment, Session } from "./session-file.ts";
import type { Observer } from "./settings.ts";

/** The same session as these rules make it. What the sides say is taken from it, what they hear is new. */
export function playSession(session: Session, rules: RuleSet, observer?: Observer): Session {
  const env = new Set(session.env.keys());
  const has = (variable: string) => env.has(variable);
  const { greeting, tls: level, options } = session;
  const conversation = new Conversation({ rules, greeting, level, has, options }, observer);
  let serverCode: number | undefined;
  let unheard = "";
  let [serverHears, clientHears] = ["", ""];
  const carryOut = ({ toServer, toClient }: Outcome) => {
    serverHears += latin1(toServer);
    clientHears += latin1(toClient);
  };
  /** What cannot be used now is not read now, as it is with the shell. */
  const hearClient = (text: string) => {
    unheard += text;
    while (conversation.holds && conversation.hearsClient) carryOut(conversation.resume());
    if (!conversation.hearsClient || unheard === "") return;
    const now = unheard;
    unheard = "";
    carryOut(conversation.fromClient(Buffer.from(now, "latin1")));
  };
  const perform = (act: Act) => {
    switch (act.do) {
      case "client says":
        return hearClient(act.text);
      case "server says":
        carryOut(conversation.fromServer(Buffer.from(act.text, "latin1")));
        return hearClient("");
      case "TLS starts":
        env.add("FIXSMTPIOTLS");
        unheard = "";
        return conversation.tlsStarted();
      case "server starts anew":
        conversation.serverStarted();
        return hearClient("");
      case "client ends":
        return carryOut(conversation.clientEnded());
      case "server ends":
        serverCode = act.exitCode;
        return carryOut(conversation.serverEnded());
      default:
        return act satisfies never;
    }
  };
  const moments: Moment[] = session.moments.map(({ act }) => {
    [serverHears, clientHears] = ["", ""];
    perform(act);
    return { act, serverHears, clientHears };
  });
  return { ...session, moments, exitCode: conversation.exitCode ?? serverCode };
}

const latin1 = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("latin1");
