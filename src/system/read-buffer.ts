/**
 * Sockets that leave no traces of what they read. Node.js takes 64 KiB of memory for each read, copies out of it what came,
 * and gives it back as it is: passwords lie there until something else needs the place. Here all sockets of the process
 * read into one buffer, which is wiped as soon as each has taken out what is its own.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { wipeable } from "../protocol/wipeable.ts";

/** Chunks up to here share memory of ours, slab by slab: a buffer for each line of a session costs more than the line. */
const smallOctets = 512;
const slabOctets = 8192;

const chunkOctets = 65_536;

const { read, resume, pause } = Duplex.prototype;

/** Where the kernel puts what was read; empty between two reads. */
const shared = Buffer.allocUnsafeSlow(chunkOctets);

type Reading = Record<symbol, unknown> & {
  readonly _handle: { useUserBuffer(buffer: Uint8Array): void } | null;
};

/** What the option `onread` of net.connect() sets; there is none for a socket that was accepted, or for TLS. */
let symbols: { readonly buffer: symbol; readonly callback: symbol } | undefined;

function symbolsOf(socket: Socket): typeof symbols {
  const named = (name: string) =>
    Object.getOwnPropertySymbols(socket).find(({ description }) => description === name);
  const [buffer, callback] = [named("kBuffer"), named("kBufferCb")];
  return buffer && callback && { buffer, callback };
}

/** Has `socket` read without traces; for all else it is as before. Its chunks belong to whoever gets them. */
export function readWithoutTraces<One extends Socket>(socket: One): One {
  readInto(socket, { take: (chunk) => socket.push(chunk) });
  return socket;
}

/** Gets each chunk of a socket. */
export interface Taker {
  /** False: no more for now. */
  take(chunk: Buffer): boolean;
}

/**
 * The same, but each chunk goes to `taker` alone, and not through the stream, which costs more than to read it. False where
 * this Node.js has no such thing; nothing is changed then.
 */
export function readInto(socket: Socket, taker: Taker): boolean {
  symbols ??= symbolsOf(socket);
  const reading = socket as unknown as Reading;
  if (symbols === undefined || reading._handle === null) return false;
  reading[symbols.buffer] = shared;
  reading[symbols.callback] = came;
  reading[itsTaker] = taker;
  // With a buffer of its own, a socket would read whenever it is looked at, and not when its stream wants more.
  Object.assign(socket, { read, resume, pause });
  reading._handle.useUserBuffer(shared);
  return true;
}

const itsTaker = Symbol("taker");

/** Node.js calls it as a method of the socket: one function for all. */
function came(this: { readonly [itsTaker]: Taker }, octets: number): boolean {
  const bytes = shared.subarray(0, octets);
  const chunk = ownCopy(bytes);
  bytes.fill(0);
  return this[itsTaker].take(chunk);
}

let slab = wipeable(0).buffer;
let slabUsed = 0;

/** Full chunks that were given back: of a large message, each comes soon after another was written. */
const spare: Buffer[] = [];
const mostSpare = 16;

/** The memory of a full `chunk` may be read into again. Whoever says so has the only view of it. */
export function readAgainInto(chunk: Uint8Array): void {
  if (chunk.byteLength !== chunkOctets || chunk.buffer.byteLength !== chunkOctets) return;
  if (spare.length < mostSpare) spare.push(chunk as Buffer);
}

/** Not from the pool of Node.js, which keeps what others left in it, and not where garbage is collected and moved. */
export function ownCopy(bytes: Uint8Array): Buffer {
  const copy = bytes.length > smallOctets ? ownMemory(bytes.length) : partOfSlab(bytes.length);
  copy.set(bytes);
  return copy;
}

const ownMemory = (octets: number): Buffer =>
  (octets === chunkOctets ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(octets);

function partOfSlab(octets: number): Buffer {
  if (slabUsed + octets > slab.byteLength) {
    slab = wipeable(slabOctets).buffer;
    slabUsed = 0;
  }
  const part = Buffer.from(slab, slabUsed, octets);
  slabUsed += octets;
  return part;
}
