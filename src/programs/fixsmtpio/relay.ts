/**
 * The shell: carries bytes between the client, the conversation and the server, in two loops, one for each direction.
 * The loop that reads replies never writes to the server, so neither side can stop the other by not reading.
 */
import { Conversation } from "../../protocol/fixsmtpio/conversation.ts";
import { Recorder } from "../../protocol/fixsmtpio/recorder.ts";
import { formatSession } from "../../protocol/fixsmtpio/session-file.ts";
import { type Observer, type Options, type Settings, together } from "../../protocol/fixsmtpio/settings.ts";
import { Shadow } from "../../protocol/fixsmtpio/shadow.ts";
import { applyBlock, takeTlsLevel } from "../../protocol/ucspi-tls/level.ts";
import {
  CannotOpen,
  CannotRun,
  type Child,
  Closed,
  type Ended,
  type Output,
  type System,
} from "../../system/system.ts";
import { debugObserver } from "./debug.ts";
import { type Controls, recordVariable } from "./settings.ts";

/** How long the server may take to end when its client is gone, and then when it was told to. */
const patienceSeconds = 60;
const lastPatienceSeconds = 5;

/** Why a session cannot go on. The message is for the log. */
class Failed extends Error {
  override readonly name = "Failed";
}

export class Relay {
  readonly #words: readonly string[];
  readonly #system: System;
  readonly #controls: Controls;
  readonly #conversation: Conversation;
  readonly #recorder: Recorder | undefined;
  #server: Child | undefined;
  /** Nobody reads what we write. */
  #clientDeaf = false;
  #terminated = false;
  /** Both loops see the end of a session. */
  #lastEnd: { readonly server: Child; readonly ended: Promise<Ended> } | undefined;
  /** What the server is to hear before the client's next words. */
  #owed: Uint8Array | undefined;
  /** Lets the client's loop go on when its bytes can be used again. */
  #wake: (() => void) | undefined;

  constructor(words: readonly string[], system: System, controls: Controls, options: Options) {
    this.#words = words;
    this.#system = system;
    this.#controls = controls;
    const { rules, greeting } = controls;
    const has = (variable: string) => system.env.has(variable);
    const settings: Settings = { rules, greeting, level: takeTlsLevel(system.env), has, options };
    const observers: Observer[] = [];
    if (has("FIXSMTPIODEBUG")) {
      observers.push(debugObserver(system, words[0] ?? "", () => this.#server?.pid ?? 0));
    }
    if (has(recordVariable)) {
      this.#recorder = new Recorder(settings);
      observers.push(this.#recorder);
    }
    const tell = (line: string) => system.log(`fixsmtpio ${system.pid} shadow ${line}`);
    if (controls.shadow !== undefined)
      observers.push(new Shadow({ ...settings, rules: controls.shadow }, tell));
    this.#conversation = new Conversation(settings, together(observers));
  }

  /** Runs the session to its end. Returns its exit code. */
  async run(): Promise<number> {
    try {
      await this.#startServer();
      await new Promise<void>((stop, fail) => {
        this.#relayReplies(stop).then(stop, fail);
        this.#relayRequests(stop).catch(fail);
      });
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      this.#system.log(`fixsmtpio: ${error.message}`);
      this.#server?.input(1).close(); // one that goes on writes to nobody
      await this.#serverEnded();
      return 1;
    }
    const ended = await this.#serverEnded();
    const code = this.#exitCode(ended);
    await this.#record(ended, code);
    return code;
  }

  /** One file for each session. That it cannot be written is no reason to fail. */
  async #record(ended: Ended, code: number): Promise<void> {
    const system = this.#system;
    if (this.#recorder === undefined) return;
    const session = this.#recorder.session("code" in ended ? ended.code : undefined, code);
    const time = new Date(system.now()).toISOString().replace(/[-:]|\.\d+/g, "");
    const path = `${system.env.get(recordVariable)}/${time}-${system.pid}.session`;
    try {
      await system.appendFile(path, Buffer.from(formatSession(session), "latin1"));
    } catch (error) {
      if (!(error instanceof CannotOpen)) throw error;
      system.log(`fixsmtpio: ${error.message}`);
    }
  }

  async #startServer(): Promise<void> {
    try {
      const wires = { 0: { toChild: true }, 1: { fromChild: true } } as const;
      this.#server = await this.#system.spawn(this.#words, { wires });
    } catch (error) {
      throw error instanceof CannotRun ? new Failed("unable to exec", { cause: error }) : error;
    }
  }

  /** From the client to the server, until the client is gone. */
  async #relayRequests(stop: () => void): Promise<void> {
    const conversation = this.#conversation;
    for (;;) {
      while (!conversation.hearsClient) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        await this.#toServer(this.#owed);
        this.#owed = undefined;
      }
      const chunk = conversation.holds ? undefined : await this.#system.input(0).read();
      if (chunk === null) return this.#clientEnded();
      const outcome = chunk === undefined ? conversation.resume() : conversation.fromClient(chunk);
      const taken = this.#toServer(outcome.toServer);
      if (taken !== undefined) await taken;
      const heard = this.#toClient(outcome.toClient);
      if (heard !== undefined) await heard;
      if (outcome.next?.do === "stop") stop();
      if (outcome.next?.do === "startAnew") this.#endServer();
    }
  }

  /** This server is to forget what it was told: it ends, and the loop that reads its replies starts another. */
  #endServer(): void {
    const server = this.#server;
    if (server === undefined) return;
    server.kill("SIGTERM");
    // Whatever it has started may hold its output open.
    void this.#endOf(server, lastPatienceSeconds).then(() => server.input(1).close());
  }

  /** From the server to the client, until the server is gone. After `stop` what it says is for nobody. */
  async #relayReplies(stop: () => void): Promise<void> {
    const conversation = this.#conversation;
    for (;;) {
      const chunk = await this.#server!.input(1).read();
      if (chunk === null && conversation.needsServer && !this.#clientDeaf) {
        await this.#startAnew();
        continue;
      }
      const outcome = chunk === null ? conversation.serverEnded() : conversation.fromServer(chunk);
      const heard = this.#toClient(outcome.toClient);
      if (heard !== undefined) await heard;
      if (chunk === null) return;
      if (outcome.next?.do === "stop") stop();
      if (outcome.next?.do === "giveUp") throw new Failed("unable to read");
      if (outcome.next?.do === "startTls") await this.#startTls(outcome.next.droppedOctets);
      this.#owed ??= outcome.toServer;
      if (conversation.hearsClient || this.#owed !== undefined) this.#wake?.();
    }
  }

  /** The client has its 220: from here on it is TLS or nothing. The server in it knows nothing of what was before. */
  async #startTls(droppedOctets: number): Promise<void> {
    const system = this.#system;
    if (droppedOctets > 0)
      system.log(`fixsmtpio: dropped ${droppedOctets} bytes sent in clear after STARTTLS`);
    try {
      if (!system.canStartTls()) throw new Failed("SSLCTLFD, SSLREADFD or SSLWRITEFD does not work");
      applyBlock(system.env, await system.startTls(this.#controls.timeoutSeconds));
    } catch (error) {
      throw new Failed("TLS temporarily not available", { cause: error });
    }
    system.env.set("FIXSMTPIOTLS", "1");
    this.#server!.kill("SIGTERM");
    await this.#startAfter();
    this.#conversation.tlsStarted();
  }

  async #startAnew(): Promise<void> {
    await this.#startAfter();
    this.#conversation.serverStarted();
  }

  /** Starts another server once this one has ended. Nothing is kept of it. */
  async #startAfter(): Promise<void> {
    const before = this.#server!;
    await this.#endOf(before, lastPatienceSeconds);
    before.input(1).close(); // nobody reads its last words, so nobody would see their end
    this.#terminated = false; // how it ended says nothing of the next
    await this.#startServer();
  }

  #toServer(bytes: Uint8Array | undefined): Promise<void> | undefined {
    if (bytes === undefined || this.#server === undefined) return undefined;
    // A server that reads no more is about to end; its loop will see that.
    return writeOrLose(this.#server.output(0), bytes, () => {});
  }

  #toClient(bytes: Uint8Array | undefined): Promise<void> | undefined {
    if (bytes === undefined || this.#clientDeaf) return undefined;
    return writeOrLose(this.#system.output(1), bytes, () => {
      this.#clientDeaf = true;
      this.#clientEnded();
    });
  }

  /** The server is to see the end of file; what it still owes is passed on. */
  #clientEnded(): void {
    this.#conversation.clientEnded();
    void this.#serverEnded();
  }

  /** Waits for the server to end, now that nothing will come for it any more. */
  async #serverEnded(): Promise<Ended> {
    const server = this.#server;
    if (server === undefined) return { code: 1 };
    if (this.#lastEnd?.server !== server) {
      this.#lastEnd = { server, ended: this.#endOf(server, patienceSeconds) };
    }
    return this.#lastEnd.ended;
  }

  /** Nothing more comes for the server; one that has not ended after `seconds` is told to. */
  async #endOf(server: Child, seconds: number): Promise<Ended> {
    server.output(0).close();
    const patience = this.#system.sleep(seconds);
    let [ended, lastPatience] = [false, undefined as ReturnType<System["sleep"]> | undefined];
    const unlessEnded = (signal: "SIGTERM" | "SIGKILL") => {
      if (ended) return;
      this.#terminated = true;
      server.kill(signal);
      if (signal === "SIGKILL") return;
      lastPatience = this.#system.sleep(lastPatienceSeconds);
      void lastPatience.then(() => unlessEnded("SIGKILL"));
    };
    void patience.then(() => unlessEnded("SIGTERM"));
    const how = await server.wait();
    ended = true;
    patience.cancel();
    lastPatience?.cancel();
    return how;
  }

  /** A rule's exit code, else the server's. A server that crashed is told apart from both. */
  #exitCode(ended: Ended): number {
    if ("signal" in ended && !this.#terminated) {
      this.#system.log("fixsmtpio: aack, child crashed");
      return 1;
    }
    return this.#conversation.exitCode ?? ("code" in ended ? ended.code : 1);
  }
}

/** Writes, and calls `lost` when there is nobody to read. The promise, when there is one, is back-pressure. */
function writeOrLose(output: Output, bytes: Uint8Array, lost: () => void): Promise<void> | undefined {
  const failed = (error: unknown) => {
    if (!(error instanceof Closed)) throw error;
    lost();
  };
  try {
    return output.write(bytes)?.catch(failed);
  } catch (error) {
    failed(error);
    return undefined;
  }
}
