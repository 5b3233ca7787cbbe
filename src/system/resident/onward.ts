/**
 * Clear text on its way to a program: it goes out of the buffer that it was read into, with one write and no copy, as long
 * as the program keeps up. Nothing of it stays here.
 */
import type { Socket } from "node:net";
import { ownCopy } from "../read-buffer.ts";
import { writeAtOnce } from "../write-at-once.ts";

/** The most that one record of TLS brings. RFC 8446 §5.1 */
const fullRecordOctets = 16_384;

/** Full records that came in one turn of the event loop: four of them are one write. They belong to one session at a time. */
const gathered = Buffer.allocUnsafeSlow(4 * fullRecordOctets);
let gatheredOctets = 0;
let gatherer: Onward | undefined;
let turnIsAwaited = false;

function sendGathered(): void {
  const octets = gatheredOctets;
  const onward = gatherer;
  gatheredOctets = 0;
  gatherer = undefined;
  onward?.send(gathered, octets);
}

function turnIsOver(): void {
  turnIsAwaited = false;
  sendGathered();
}

export class Onward {
  readonly #socket: Socket;
  readonly #fd: number;
  readonly #full: () => void;

  /** `fd` is the socket's. `full` is called when the program is behind; the socket's "drain" tells that it is no more. */
  constructor(socket: Socket, fd: number, full: () => void) {
    this.#socket = socket;
    this.#fd = fd;
    this.#full = full;
  }

  /** Takes the first `octets` of `bytes`, which are wiped. */
  take(bytes: Buffer, octets: number): void {
    const isFull = octets === fullRecordOctets;
    if (gatherer !== this || !isFull) sendGathered();
    if (!isFull) {
      this.send(bytes, octets);
      return;
    }
    gatherer = this;
    bytes.copy(gathered, gatheredOctets, 0, octets);
    bytes.fill(0, 0, octets);
    gatheredOctets += octets;
    if (gatheredOctets === gathered.length) sendGathered();
    else if (!turnIsAwaited) {
      turnIsAwaited = true;
      setImmediate(turnIsOver);
    }
  }

  /** The client has said all. */
  end(): void {
    this.flush();
    this.#socket.end();
  }

  /** Nothing is kept for more. */
  flush(): void {
    if (gatherer === this) sendGathered();
  }

  /** Sends what was taken. */
  send(bytes: Buffer, octets: number): void {
    const sent = writeAtOnce(this.#socket, this.#fd, bytes, octets);
    if (sent < octets && !this.#socket.destroyed) {
      const rest = ownCopy(bytes.subarray(sent, octets));
      if (!this.#socket.write(rest, () => rest.fill(0))) this.#full();
    }
    bytes.fill(0, 0, octets);
  }
}
