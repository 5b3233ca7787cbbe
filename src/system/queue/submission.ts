import { accessSync, constants } from "node:fs";
import { setTimeout as sleepMs } from "node:timers/promises";
import type { Handover } from "../../protocol/queue/handover.ts";
import type { ServiceUids } from "../../protocol/queue/invoked.ts";
import { codeOf } from "../system.ts";
import { HandoverBroken, handOver, NobodyThere, Streamed } from "./client.ts";
import type { Direct } from "./direct.ts";

/** What is larger is handed over while it arrives. */
const maximumHeldOctets = 64 * 1024;

/** For qmail-send, while nobody listens: five seconds. */
const betweenTriesMs = 50;
const mostTries = 100;

/** The exit codes of qmail-queue that come from here. Source: qmail-queue(8). */
export const exit = { queued: 0, writeError: 53, noFolder: 62, connectionBroken: 74, bug: 81 } as const;

/**
 * One message on its way from qmail-queue into the queue in `folder`: by qmail-send, which answers for many at once,
 * or, when it is not there, by our own hand.
 */
export class Submission {
  readonly #folder: string;
  #held: Uint8Array[] = [];
  #heldOctets = 0;
  #way: Streamed | Direct | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Adds octets of the message, which must not be changed afterwards. Throws or rejects: see exitOf. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#way !== undefined) return this.#way.write(bytes);
    this.#held.push(bytes);
    this.#heldOctets += bytes.length;
    return this.#heldOctets <= maximumHeldOctets ? undefined : this.#stream();
  }

  /** The message is complete. Resolves to the exit code: 0 when it survives whatever happens now. Throws: see exitOf. */
  async finish(handover: Handover, uid: number, service: () => Promise<ServiceUids>): Promise<number> {
    if (this.#way instanceof Streamed) return this.#way.finish(handover);
    if (this.#way !== undefined) return this.#way.finish(handover, uid, await service());
    try {
      return await this.#patiently(() => handOver(this.#folder, this.#held, handover));
    } catch (error) {
      if (!(error instanceof NobodyThere)) throw error;
      return (await this.#direct()).finish(handover, uid, await service());
    }
  }

  /** The message does not come about. */
  async discard(): Promise<void> {
    this.#held = [];
    await this.#way?.discard();
  }

  async #stream(): Promise<void> {
    try {
      this.#way = await this.#patiently(() => Streamed.open(this.#folder));
    } catch (error) {
      if (!(error instanceof NobodyThere)) throw error;
      await this.#direct();
      return;
    }
    for (const part of this.#held) await this.#way.write(part);
    this.#held = [];
  }

  /** qmail-send is there again in a moment, after an upgrade too; who may not write the queue waits for that. */
  async #patiently<Way>(ask: () => Promise<Way>): Promise<Way> {
    for (let tries = 0; ; tries++) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof NobodyThere) || tries === mostTries || this.#mayWrite()) throw error;
        await sleepMs(betweenTriesMs);
      }
    }
  }

  #mayWrite(): boolean {
    try {
      accessSync(this.#folder, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  }

  /** By our own hand: seldom, so what it needs is loaded then. */
  async #direct(): Promise<Direct> {
    const { Direct } = await import("./direct.ts");
    const direct = new Direct(this.#folder);
    this.#way = direct;
    for (const part of this.#held) await direct.write(part);
    this.#held = [];
    return direct;
  }
}

/** The exit code of qmail-queue for what a Submission threw; undefined for a mistake of ours. */
export function exitOf(failure: unknown): number | undefined {
  if (failure instanceof HandoverBroken) return exit.connectionBroken;
  const code = codeOf(failure);
  if (code === "ERR_SQLITE_ERROR") return exit.writeError;
  if (!/^E[A-Z]+$/.test(code)) return undefined;
  return ["ENOENT", "EACCES", "ENOTDIR", "EROFS"].includes(code) ? exit.noFolder : exit.writeError;
}
