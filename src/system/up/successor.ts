/**
 * Another `acceptutils up` for the same home, of the program as it is now on disk: it is given the listening sockets,
 * serves beside the one that started it, and starts what there can be only one of when that has let go of it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { dieWithParent } from "../native.ts";
import { Channel, channelPair, closeEnd, type Head, type Received } from "../resident/channel.ts";
import type { Script } from "./running.ts";
import { type Hooks, Services, type Serving } from "./services.ts";

/** Set for a successor: descriptors of its channel. */
const variable = "ACCEPTUTILS_SUCCEEDS";
const channelAt = { stream: 3, packets: 4 };

export const succeeds = () => process.env[variable] !== undefined;

/** A process that took over, as its predecessor sees it. */
export class Successor implements Serving {
  readonly pid: number;
  /** It has ended. */
  readonly gone: Promise<void>;
  readonly #channel: Channel;

  private constructor(child: ChildProcess, channel: Channel) {
    this.pid = child.pid ?? 0;
    this.#channel = channel;
    this.gone = new Promise((resolve) => {
      child.on("exit", () => resolve());
      child.on("error", () => resolve());
    });
  }

  /** Resolves when it serves; to undefined when it does not come to that, and its own words in the log say why. */
  static async start(
    sockets: ReadonlyMap<string, number>,
    env: NodeJS.ProcessEnv,
  ): Promise<Successor | undefined> {
    const [ours, theirs] = channelPair();
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      stdio: ["ignore", "ignore", 2, theirs.stream, theirs.packets],
      detached: true, // a terminal's Ctrl-C is for us, who pass it on
      env: { ...env, [variable]: "1" },
    });
    closeEnd(theirs);
    const channel = new Channel(ours);
    const successor = new Successor(child, channel);
    for (const [name, socket] of sockets) channel.send({ kind: "take", name }, undefined, [socket]);
    const answer = await channel.ask({ kind: "serve" });
    if (answer?.head["serves"] === true) return successor;
    channel.close();
    await successor.gone;
    return undefined;
  }

  /** What there can be only one of is its own from now on. */
  takeRest(): void {
    this.#channel.send({ kind: "take rest" });
  }

  async listening(): Promise<ReadonlyMap<string, number>> {
    const sockets = new Map<string, number>();
    for (let at = 0; ; at++) {
      const answer = await this.#channel.ask({ kind: "listening", at });
      const name = answer?.head["name"];
      const socket = answer?.descriptors[0];
      if (typeof name !== "string") return sockets;
      if (socket !== undefined) sockets.set(name, socket);
    }
  }

  reload(): void {
    this.#channel.send({ kind: "reload" });
  }

  async leave(): Promise<void> {
    await this.#channel.ask({ kind: "leave" });
  }

  async stop(seconds: number): Promise<void> {
    this.#channel.send({ kind: "stop", seconds });
    await this.gone;
  }
}

/** Serves as a successor until all is over. Throws StartFailed when a service does not start. */
export async function succeed(home: string, scripts: readonly Script[], hooks: Hooks): Promise<void> {
  delete process.env[variable];
  dieWithParent();
  const channel = new Channel(channelAt);
  const inherited = new Map<string, number>();
  const asked = await new Promise<Received>((resolve) => {
    channel.onClose = () => process.exit(111);
    channel.onMessage = (message) => {
      if (message.head.kind === "take") inherited.set(String(message.head["name"]), message.descriptors[0]!);
      else resolve(message);
    };
  });
  const services = new Services(home, scripts, hooks, inherited);
  let takeRest: () => Promise<void>;
  try {
    takeRest = await services.startBeside();
  } catch (error) {
    await services.stop(10);
    throw error;
  }
  let sockets: readonly (readonly [string, number])[] = [];
  const over = new Promise<void>((resolve) => {
    const end = (seconds: number) => void services.stop(seconds).then(resolve);
    hooks.stop.addEventListener("abort", () => end(10));
    channel.onClose = () => end(0); // who started us is gone
    channel.onMessage = async (message) => {
      const { kind, at, seconds }: Head = message.head;
      if (kind === "take rest") void takeRest();
      else if (kind === "reload") services.reload();
      else if (kind === "stop") end(Number(seconds));
      else if (kind === "listening") {
        if (at === 0) sockets = [...(await services.listening())];
        const [name, socket] = sockets[Number(at)] ?? [];
        channel.reply(message, { name }, undefined, socket === undefined ? [] : [socket]);
      } else if (kind === "leave") {
        await services.leave();
        channel.reply(message, {});
        void services.drained?.then(() => end(0));
      }
    };
  });
  channel.reply(asked, { serves: true });
  await over;
}
