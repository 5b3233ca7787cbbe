/**
 * Where a service has several fronts, this process has its listening socket: it accepts connections, lets clients in or
 * not, and counts them, so that limits are those of the whole service. Which programs a session runs is the fronts'.
 */
import { closeSync } from "node:fs";
import { TurnedAway } from "../../auth/turned-away.ts";
import { Channel } from "./channel.ts";
import { Fronts } from "./fronts.ts";
import { Listener } from "./listener.ts";
import { LogLines } from "./log-lines.ts";
import type { Admitted } from "./run-session.ts";
import { asksForUser, type Service } from "./service.ts";
import { hearOfTurnedAway } from "./turned-away.ts";

export function listenerWorker(master: Channel): void {
  const wanted = new Set<number>();
  const listeners = new Map<number, Listener>();
  const fronts = new Fronts();
  const log = new LogLines(master);
  const turnedAway = new TurnedAway();

  /** Opens when all fronts are there: until then clients wait in the kernel. */
  async function listen(service: Service, listening: number): Promise<void> {
    const earlier = await fronts.complete(service.id, service.fronts);
    if (!wanted.has(service.id)) return closeSync(listening);
    const around = {
      run: (admitted: Admitted) => fronts.run(service, admitted),
      cut: () => fronts.cut(service.id),
      room: fronts,
      turnedAway: (client: string) => asksForUser(service) && turnedAway.has(client, Date.now()),
      log: (line: string) => log.add(service.id, line),
    };
    listeners.set(service.id, new Listener(service, listening, around, earlier));
  }

  async function stop(id: number, seconds: number): Promise<void> {
    wanted.delete(id);
    const ended = listeners.get(id)?.stop(seconds);
    listeners.delete(id);
    await ended;
    log.flush();
    master.send({ kind: "stopped", id });
  }

  master.onMessage = (message) => {
    const { head, descriptors } = message;
    if (head.kind === "serve") {
      const service = head["service"] as Service;
      wanted.add(service.id);
      void listen(service, descriptors[0]!);
    } else if (head.kind === "stop") {
      void stop(Number(head["id"]), Number(head["seconds"]));
      master.reply(message, {}); // the port is free
    } else if (head.kind === "peer") {
      const channel = new Channel({ stream: descriptors[0]!, packets: descriptors[1]! }, 0);
      if (head["role"] === "front") fronts.join(channel, log);
      else hearOfTurnedAway(channel, turnedAway);
    }
  };
}
