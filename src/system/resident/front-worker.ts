/**
 * A front: it accepts connections, or takes them from a listener, and runs their chains, in clear text, without
 * privileges. At STARTTLS it hands the
 * connection to the TLS process; at checkpassword it hands the question to the auth process and then the
 * connection to the worker of the user.
 */

import { TurnedAway } from "../../auth/turned-away.ts";
import type { Told } from "../c-library/libblocklist.ts";
import type { Program, Programs } from "../system.ts";
import { askAuth } from "./ask-auth.ts";
import { Channel, type Head } from "./channel.ts";
import { LentSessions } from "./lent-sessions.ts";
import { Listener } from "./listener.ts";
import { LogLines } from "./log-lines.ts";
import { type Admitted, runSession } from "./run-session.ts";
import { secureBy } from "./secure.ts";
import { asksForUser, checkpasswordOf, type Service } from "./service.ts";
import { hearOfTurnedAway } from "./turned-away.ts";
import { UserWorkers } from "./user-workers.ts";

export function frontWorker(master: Channel, programs: Programs): void {
  const listeners = new Map<number, Listener>();
  const peers: { tls?: Channel; auth?: Channel } = {};
  const users = new UserWorkers(master);
  const turnedAway = new TurnedAway();
  // What a session says comes before the listener's words of its end.
  const log = new LogLines({ send: (head, body) => (lent.listener ?? master).send(head, body) });
  const lent = new LentSessions(log);
  const tls = () => (peers.tls?.closed ? undefined : peers.tls);

  /** In an auth front, the checkpassword is a question to another process. All else is the program itself. */
  const elsewhere = (service: Service) => {
    if (!asksForUser(service)) return () => undefined;
    const { argv: question } = checkpasswordOf(service);
    return (argv: readonly string[]): Program | undefined =>
      argv.length === question.length && argv.every((word, at) => word === question[at])
        ? askAuth(service, () => peers.auth, users)
        : undefined;
  };

  /** What runs the sessions of a service in this process. */
  const sessionsOf = (service: Service) => {
    const around = {
      programs,
      elsewhere: elsewhere(service),
      secure: service.tls === "none" ? undefined : secureBy(service, tls),
      tls,
      log: (line: string) => log.add(service.id, line),
      tellBlocklist: (told: Told) => master.send({ kind: "blocklist", service: service.id, told }),
    };
    return (admitted: Admitted) => runSession(admitted, service, around);
  };

  master.onMessage = (message) => {
    const { head, descriptors } = message;
    const service = head["service"] as Service;
    switch (head.kind) {
      case "serve":
        listeners.set(
          service.id,
          new Listener(service, descriptors[0]!, {
            run: sessionsOf(service),
            turnedAway: (client) => asksForUser(service) && turnedAway.has(client, Date.now()),
            log: (line) => log.add(service.id, line),
          }),
        );
        break;
      case "stop": {
        const id = Number(head["id"]);
        const ended = listeners.get(id)?.stop(Number(head["seconds"]));
        listeners.delete(id);
        master.reply(message, {}); // the port is free
        void ended?.then(() => {
          log.flush();
          master.send({ kind: "stopped", id });
        });
        break;
      }
      case "service":
        lent.serve(service, sessionsOf(service));
        break;
      case "forget":
        lent.forget(Number(head["service"]));
        break;
      case "gone":
        users.gone(Number(head["id"]));
        break;
      case "peer": {
        const end = { stream: descriptors[0]!, packets: descriptors[1]! };
        if (head["role"] === "listener") lent.join(end);
        else joined(head, new Channel(end, 0));
        break;
      }
    }
  };

  function joined({ role, id }: Head, channel: Channel): void {
    if (role === "tls") {
      peers.tls = channel;
      channel.onMessage = ({ head }) => {
        if (head.kind === "ended") log.add(Number(head["service"]), `s6-tlsd-io: fatal: ${head["how"]}`);
      };
    } else if (role === "auth") {
      peers.auth = channel;
      hearOfTurnedAway(channel, turnedAway);
    } else users.joined(Number(id), channel);
  }
}
