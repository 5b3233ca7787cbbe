/** One client: carries out the steps of a plan over one connection, and checks all that it hears. */
import { connect, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, type TLSSocket } from "node:tls";
import type { Plan, Step } from "./plan.ts";

/** The server did not say what it should. */
export class Unexpected extends Error {
  override readonly name = "Unexpected";
}

const silenceMs = 20_000;
/** Whose certificate it is was never the question here. */
const secureContext = createSecureContext({ minVersion: "TLSv1.2", ecdhCurve: "X25519:P-256" });

export class Session {
  readonly #message: Buffer;
  #socket: Socket | TLSSocket;
  #heard: Buffer = Buffer.alloc(0);
  #step: Step | undefined;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(plan: Plan, message: Buffer) {
    this.#message = message;
    this.#socket = connect({ host: plan.host, port: plan.port, noDelay: true });
    this.#listen(this.#socket);
  }

  /** Runs steps in order. Throws Unexpected and what the connection throws. */
  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      this.#step = step;
      await this.#carryOut(step);
    }
  }

  startTls(): Promise<void> {
    if (this.#heard.length > 0) throw new Unexpected(`more in clear: ${this.#heard.toString("latin1")}`);
    const raw = this.#socket;
    raw.removeAllListeners();
    const secure = connectTls({ socket: raw, rejectUnauthorized: false, secureContext });
    this.#socket = secure;
    this.#listen(secure);
    return new Promise((resolve, reject) => {
      secure.once("secureConnect", resolve);
      secure.once("error", reject);
      secure.once("close", () => reject(new Unexpected("closed in the handshake")));
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.setTimeout(silenceMs, () =>
      this.#fail(new Unexpected(`silence after ${JSON.stringify(this.#step)}`)),
    );
    socket.on("data", (chunk: Buffer) => {
      this.#heard = this.#heard.length === 0 ? chunk : Buffer.concat([this.#heard, chunk]);
      this.#wake?.();
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.destroy();
    this.#wake?.();
  }

  async #carryOut(step: Step): Promise<void> {
    if ("tls" in step) return this.startTls();
    if ("end" in step) return this.#closed();
    if ("pipeline" in step) {
      this.#socket.write(step.pipeline.repeat(step.times), "latin1");
      return this.#replies(step.expect, step.times);
    }
    if ("retrieve" in step) {
      this.#socket.write(step.retrieve, "latin1");
      return this.#multiLine(step.endsWith);
    }
    if ("message" in step) this.#socket.write(this.#message);
    else if ("send" in step) this.#socket.write(step.send, "latin1");
    const said = await this.#reply();
    const expected = said.startsWith(step.expect) || ("or" in step && said.startsWith(step.or ?? "?"));
    if (!expected) throw new Unexpected(`${said} instead of ${step.expect}`);
  }

  /** Waits until `look` finds what it wants in what was heard. */
  async #until<Found>(look: (heard: Buffer) => Found | undefined): Promise<Found> {
    for (;;) {
      const found = look(this.#heard);
      if (found !== undefined) return found;
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) throw new Unexpected(`the connection ended, after ${this.#heard.toString("latin1")}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  /** One reply; its last line. RFC 5321 §4.2.1: `250-` goes on. */
  #reply(): Promise<string> {
    return this.#until((heard) => {
      for (let at = 0; ; ) {
        const end = heard.indexOf(10, at);
        if (end < 0) return undefined;
        const line = heard.toString("latin1", at, end);
        at = end + 1;
        if (/^\d\d\d-/.test(line)) continue;
        this.#heard = heard.subarray(at);
        return line;
      }
    });
  }

  #replies(expected: string, times: number): Promise<void> {
    let left = times;
    const beginning = Buffer.from(expected, "latin1");
    return this.#until((heard) => {
      let at = 0;
      for (let end = heard.indexOf(10); end >= 0 && left > 0; end = heard.indexOf(10, at)) {
        const good = heard.compare(beginning, 0, beginning.length, at, at + beginning.length) === 0;
        if (!good) throw new Unexpected(heard.toString("latin1", at, end));
        at = end + 1;
        left -= 1;
      }
      this.#heard = heard.subarray(at);
      return left === 0 ? true : undefined;
    }).then(() => {});
  }

  async #multiLine(end: string): Promise<void> {
    // qmail-pop3d ends each message with a line of its own.
    const [plain, classic] = ["", "\r\n"].map((more) => Buffer.from(`${end}${more}.\r\n`, "latin1"));
    const ends = (heard: Buffer, with_: Buffer) => heard.subarray(-with_.length).equals(with_);
    await this.#until((heard) => {
      if (heard.length > 4 && heard[0] !== 0x2b) throw new Unexpected(heard.toString("latin1", 0, 80));
      const there = ends(heard, plain!) || ends(heard, classic!);
      if (there) this.#heard = heard.subarray(heard.length);
      return there || undefined;
    });
  }

  async #closed(): Promise<void> {
    while (!this.#ended && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = undefined;
    if (this.#heard.length > 0) throw new Unexpected(`more: ${this.#heard.toString("latin1", 0, 80)}`);
    this.#socket.destroy();
  }
}
