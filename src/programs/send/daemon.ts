/** qmail-send without its root half: the queue, its door, and the deliveries. */
import { join } from "node:path";
import { setInterval as every } from "node:timers";
import { becomeAsToldNow } from "../../system/become-as-told.ts";
import { writeLog } from "../../system/log-line.ts";
import { listenForMessages } from "../../system/queue/listener.ts";
import { AlreadyRunning, agentsHaveEnded, lockQueue } from "../../system/queue/lock.ts";
import { sweepSpool } from "../../system/queue/spool.ts";
import { channel, QueueStore } from "../../system/queue/store.ts";
import { restWhenIdle } from "../../system/rest.ts";
import { onSignal } from "../../system/signals.ts";
import type { System } from "../../system/system.ts";
import { Adoption } from "./adoption.ts";
import type { Agents } from "./agents.ts";
import { Carrier } from "./carrier.ts";
import { Committer } from "./committer.ts";
import { Deliveries } from "./deliveries.ts";
import { exit } from "./exit.ts";
import { Intake } from "./intake.ts";
import { DeliveryLog } from "./log.ts";
import { readSettings } from "./settings.ts";

/** How often we look for changed control files, and for messages that qmail-queue has written itself. */
const lookMs = 2000;
const stopWithinMs = 10_000;

/** Another one that is ending gets so much time to end. */
const lockWithinMs = 15_000;
const lockAgainSeconds = 0.02;

/** Serves the queue until SIGTERM, or until `over` resolves. Returns the exit code. Throws the system's errors. */
export async function serveQueue(system: System, agents: Agents, over?: Promise<void>): Promise<number> {
  const folder = join(system.home(), "queue");
  const store = new QueueStore(folder);
  becomeAsToldNow();
  restWhenIdle();
  try {
    await lock(folder, system);
  } catch (error) {
    if (!(error instanceof AlreadyRunning)) throw error;
    system.log(`alert: cannot start: ${error.message}`);
    return exit.temporary;
  }
  return new Daemon(system, agents, folder, store).run(over);
}

async function lock(folder: string, system: System): Promise<void> {
  const until = system.now() + lockWithinMs;
  for (let locked = false; ; ) {
    try {
      if (!locked) lockQueue(folder);
      locked = true;
      if (agentsHaveEnded(folder)) return;
      if (system.now() > until) throw new AlreadyRunning("another qmail-send's deliveries do not end");
    } catch (error) {
      if (!(error instanceof AlreadyRunning) || system.now() > until) throw error;
    }
    await system.sleep(lockAgainSeconds);
  }
}

/** Which deliveries are woken for a recipient. Those that are new have no way yet: they are adopted first. */
const wayOf = { [channel.local]: "local", [channel.remote]: "remote", [channel.new]: undefined } as const;

class Daemon {
  readonly #system: System;
  readonly #folder: string;
  readonly #store: QueueStore;
  readonly #agents: Agents;
  readonly #log: DeliveryLog;

  constructor(system: System, agents: Agents, folder: string, store: QueueStore) {
    this.#system = system;
    this.#agents = agents;
    this.#folder = folder;
    this.#store = store;
    this.#log = new DeliveryLog(writeLog);
  }

  async run(over: Promise<void> | undefined): Promise<number> {
    const system = this.#system;
    const store = this.#store;
    const folder = this.#folder;
    const log = this.#log;
    let settings = await readSettings(system);
    const failed = (error: unknown) =>
      log.line(`warning: trouble with the queue: ${error instanceof Error ? error.message : String(error)}`);
    const committer = new Committer(store, failed);
    const carrier = new Carrier({ folder, store, agents: this.#agents, settings: () => settings });
    const deliveries = new Deliveries({
      folder,
      store,
      committer,
      log,
      settings: () => settings,
      now: () => system.now(),
      pid: () => String(system.pid),
      uid: () => system.uids().real,
      route: (address) => carrier.route(address),
      make: (delivery) => carrier.make(delivery),
    });
    const intake = new Intake({
      folder,
      now: () => system.now(),
      route: (address) => channel[carrier.route(address)],
      serviceUids: () => settings.serviceUids,
      failed,
      accept: (message, settle) =>
        committer.arrive({
          message,
          settle: (id) => {
            settle(id !== undefined);
            if (id === undefined) return;
            log.newMessage(id, message);
            for (const { channel: way } of message.recipients) deliveries.wake(wayOf[way]);
          },
        }),
    });
    const adoption = new Adoption(store, (address) => channel[carrier.route(address)]);
    const adopt = () => {
      for (const id of adoption.look()) {
        const message = store.message(id);
        if (message !== undefined) log.newMessage(id, message);
        deliveries.wake();
      }
    };
    sweepSpool(folder, store.files(), system.now());
    adopt();
    const server = await listenForMessages(join(folder, "socket"), (client) => void intake.serve(client));
    log.line(`status: local 0/${settings.concurrency.local} remote 0/${settings.concurrency.remote}`);
    const refresh = async () => {
      const { local, remote } = settings.concurrency;
      settings = await readSettings(system);
      if (settings.concurrency.local > local || settings.concurrency.remote > remote) deliveries.wake();
      adopt();
    };
    const timer = every(() => {
      void refresh().catch(failed);
      void carrier.sweep();
    }, lookMs);
    onSignal("SIGHUP", () => void refresh().catch(failed));
    onSignal("SIGALRM", () => {
      store.transact(() => store.hurry(system.now()));
      deliveries.wake();
    });
    deliveries.wake();
    let orphaned = false;
    await new Promise<void>((resolve) => {
      onSignal("SIGTERM", resolve);
      void over?.then(() => {
        orphaned = true;
        resolve();
      });
    });
    server.close();
    clearInterval(timer);
    // Without root nobody can be delivered to, and the next qmail-send is waiting already.
    const late = system.sleep(orphaned ? 0 : stopWithinMs / 1000);
    await Promise.race([deliveries.stop(), late]);
    late.cancel();
    committer.commit();
    await carrier.close();
    log.line("status: exiting");
    log.flush();
    store.close();
    return exit.stopped;
  }
}
