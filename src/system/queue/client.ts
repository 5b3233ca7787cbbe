/**
 * The way from qmail-queue to qmail-send: the socket in the queue's folder. A message that is small is sent whole
 * over a connection that is kept and shared by all sessions of this process; a large one has a connection of its own.
 */
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { FrameReader, frameHead, framesBytes, kind } from "../../protocol/queue/frames.ts";
import { type Handover, handoverBytes } from "../../protocol/queue/handover.ts";
import { deadlines } from "../deadlines.ts";
import { giveBack } from "../passing-memory.ts";
import { fdOf } from "../stream.ts";
import { codeOf } from "../system.ts";
import { writeAtOnce } from "../write-at-once.ts";

/** A day: as long as qmail-queue waits for anything. */
const verdictSeconds = 24 * 3600;

/** Nobody listens at the queue's socket. Nothing was handed over. */
export class NobodyThere extends Error {
  override readonly name = "NobodyThere";
}

/** qmail-send went away, and what became of the message is not known. */
export class HandoverBroken extends Error {
  override readonly name = "HandoverBroken";
}

interface Waiting {
  resolve(exit: number): void;
  reject(why: Error): void;
}

/** Where verdicts are read, by all connections of this process: nothing of them is kept. */
const readBuffer = Buffer.allocUnsafeSlow(4096);

/** One connection to qmail-send. */
class QueueConnection {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #waiting = new Map<number, Waiting>();
  #held = true;
  #lastId = 0;
  #broken = false;
  /** To be written before this turn of the loop is over. */
  #gathered: Uint8Array[] = [];
  /** While the other side is slow: resolves when it has caught up. */
  #drained: Promise<void> | undefined;

  private constructor(path: string) {
    const callback = (octets: number) => this.#read(readBuffer.subarray(0, octets));
    this.#socket = connect({ path, onread: { buffer: readBuffer, callback } });
  }

  /** Throws NobodyThere. */
  static open(path: string): Promise<QueueConnection> {
    const connection = new QueueConnection(path);
    const socket = connection.#socket;
    return new Promise((resolve, reject) => {
      socket.once("error", (cause) => reject(new NobodyThere(codeOf(cause), { cause })));
      socket.once("connect", () => {
        socket.removeAllListeners("error");
        socket.on("error", () => {});
        socket.on("close", () => connection.#closed());
        resolve(connection);
      });
    });
  }

  #closed(): void {
    this.#broken = true;
    for (const { reject } of this.#waiting.values()) reject(new HandoverBroken("qmail-send went away"));
    this.#waiting.clear();
  }

  get broken(): boolean {
    return this.#broken;
  }

  /** While nobody waits for an answer, the connection does not keep the process alive. */
  #hold(): void {
    const hold = this.#waiting.size > 0;
    if (hold === this.#held) return;
    this.#held = hold;
    if (hold) this.#socket.ref();
    else this.#socket.unref();
  }

  nextId(): number {
    this.#lastId = (this.#lastId + 1) >>> 0;
    return this.#lastId;
  }

  /**
   * Writes `bytes` before the loop waits again: what many sessions say in one turn is one write here, and one read there. A
   * promise means that the other side is slow.
   */
  send(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#broken) throw new HandoverBroken("qmail-send went away");
    if (this.#gathered.push(bytes) === 1) setImmediate(() => this.#sendGathered());
    return this.#socket.writableNeedDrain ? this.#room() : undefined;
  }

  #sendGathered(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    if (this.#broken) return;
    const bytes = gathered.length === 1 ? gathered[0]! : Buffer.concat(gathered);
    const written = writeAtOnce(this.#socket, fdOf(this.#socket), bytes, bytes.length);
    if (written < bytes.length) this.#socket.write(bytes.subarray(written));
  }

  /** Writes `run` in one go and calls `written` once it is; a promise means that the other side is slow. */
  sendRun(run: readonly Uint8Array[], written: () => void): Promise<void> | undefined {
    if (this.#broken) throw new HandoverBroken("qmail-send went away");
    this.#socket.cork();
    let more = true;
    for (let at = 0; at < run.length; at++)
      more = this.#socket.write(run[at]!, at === run.length - 1 ? written : undefined);
    this.#socket.uncork();
    return more ? undefined : this.#room();
  }

  #room(): Promise<void> {
    this.#drained ??= new Promise((resolve, reject) => {
      const done = (closed: boolean) => {
        this.#socket.off("drain", onDrain);
        this.#socket.off("close", onClose);
        this.#drained = undefined;
        if (closed) reject(new HandoverBroken("qmail-send went away"));
        else resolve();
      };
      const onDrain = () => done(false);
      const onClose = () => done(true);
      this.#socket.on("drain", onDrain);
      this.#socket.on("close", onClose);
    });
    return this.#drained;
  }

  /** The exit code that comes back for message `id`. Throws HandoverBroken. */
  verdict(id: number): Promise<number> {
    if (this.#broken) return Promise.reject(new HandoverBroken("qmail-send went away"));
    return new Promise((resolve, reject) => {
      const cancel = deadlines.after(verdictSeconds, () => this.#socket.destroy());
      const settled = <Value>(settle: (value: Value) => void) => {
        return (value: Value) => {
          cancel();
          settle(value);
        };
      };
      this.#waiting.set(id, { resolve: settled(resolve), reject: settled(reject) });
      this.#hold();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): boolean {
    try {
      for (const frame of this.#reader.push(chunk)) {
        const waiting = this.#waiting.get(frame.id);
        this.#waiting.delete(frame.id);
        waiting?.resolve(frame.payload[0] ?? 81);
      }
      this.#hold();
    } catch {
      this.#socket.destroy();
    }
    return true;
  }
}

const shared = new Map<string, QueueConnection>();
const opening = new Map<string, Promise<QueueConnection>>();

/** The connection that all sessions share, at once when it is there. */
function sharedConnection(path: string): QueueConnection | Promise<QueueConnection> {
  const there = shared.get(path);
  if (there !== undefined && !there.broken) return there;
  const underWay = opening.get(path);
  if (underWay !== undefined) return underWay;
  const opened = QueueConnection.open(path)
    .then((connection) => {
      shared.set(path, connection);
      return connection;
    })
    .finally(() => opening.delete(path));
  opening.set(path, opened);
  return opened;
}

const socketIn = (folder: string) => join(folder, "socket");

/** Hands over a whole message. Resolves to the exit code. Throws NobodyThere, HandoverBroken. */
export async function handOver(
  folder: string,
  content: readonly Uint8Array[],
  handover: Handover,
): Promise<number> {
  const there = sharedConnection(socketIn(folder));
  const connection = there instanceof Promise ? await there : there;
  const id = connection.nextId();
  const slow = connection.send(
    framesBytes(id, [
      [kind.content, content],
      [kind.end, handoverBytes(handover)],
    ]),
  );
  const verdict = connection.verdict(id);
  if (slow !== undefined) {
    verdict.catch(() => {}); // it is awaited below; until then, send() tells
    await slow;
  }
  return verdict;
}

/** Fewer octets of a large message wait for company: neither process wakes the other for less. */
const gatherOctets = 256 * 1024;

/** A message that is handed over while it arrives. */
export class Streamed {
  readonly #connection: QueueConnection;
  #waiting: Uint8Array[] = [];
  #octets = 0;

  private constructor(connection: QueueConnection) {
    this.#connection = connection;
  }

  /** Throws NobodyThere. */
  static async open(folder: string): Promise<Streamed> {
    return new Streamed(await QueueConnection.open(socketIn(folder)));
  }

  /** Throws (or rejects with) HandoverBroken. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    this.#waiting.push(bytes);
    this.#octets += bytes.length;
    return this.#octets < gatherOctets ? undefined : this.#send();
  }

  #send(): Promise<void> | undefined {
    const waiting = this.#waiting;
    const head = frameHead(kind.content, 0, this.#octets);
    this.#waiting = [];
    this.#octets = 0;
    return this.#connection.sendRun([head, ...waiting], () => waiting.forEach(giveBack));
  }

  /** The message is complete. Resolves to the exit code. Throws HandoverBroken. */
  async finish(handover: Handover): Promise<number> {
    try {
      await this.#send();
      const verdict = this.#connection.verdict(0);
      verdict.catch(() => {});
      await this.#connection.send(framesBytes(0, [[kind.end, handoverBytes(handover)]]));
      return await verdict;
    } finally {
      this.#connection.close();
    }
  }

  /** The message does not come about. */
  discard(): void {
    this.#connection.close();
  }
}
