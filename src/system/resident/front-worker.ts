/**
 * A front: it accepts connections and runs their chains, in clear text, without privileges. At STARTTLS it hands the
 * connection to the TLS process; at checkpassword it hands the question to the auth process and then the
 * connection to the worker of the user.
 */

import { TurnedAway } from "../../auth/turned-away.ts";
import type { Program, Programs } from "../system.ts";
import { askAuth } from "./ask-auth.ts";
import { Channel } from "./channel.ts";
import { Listener } from "./listener.ts";
import { LogLines } from "./log-lines.ts";
import { secureBy } from "./secure.ts";
import { asksForUser, checkpasswordOf, type Service } from "./service.ts";
import { UserWorkers } from "./user-workers.ts";

export function frontWorker(master: Channel, programs: Programs): void {
  const listeners = new Map<number, Listener>();
  const peers: { tls?: Channel; auth?: Channel } = {};
  const users = new UserWorkers(master);
  const log = new LogLines(master);
  const turnedAway = new TurnedAway();
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

  master.onMessage = (message) => {
    const { head, descriptors } = message;
    const service = head["service"] as Service;
    switch (head.kind) {
      case "serve":
        listeners.set(
          service.id,
          new Listener(service, descriptors[0]!, {
            programs,
            elsewhere: elsewhere(service),
            secure: service.tls === "none" ? undefined : secureBy(service, tls),
            turnedAway: (client) => asksForUser(service) && turnedAway.has(client, Date.now()),
            tls,
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
      case "peer": {
        const channel = new Channel({ stream: descriptors[0]!, packets: descriptors[1]! });
        if (head["role"] === "tls") {
          peers.tls = channel;
          channel.onMessage = ({ head }) => {
            if (head.kind === "ended") log.add(Number(head["service"]), `s6-tlsd-io: fatal: ${head["how"]}`);
          };
        } else if (head["role"] === "auth") {
          peers.auth = channel;
          channel.onMessage = ({ head }) => {
            if (head.kind !== "turnAway") return;
            turnedAway.tell(String(head["network"]), Number(head["seconds"]), Date.now());
          };
        } else users.joined(Number(head["id"]), channel);
        break;
      }
    }
  };
}
