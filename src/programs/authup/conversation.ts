/** Carries out what the machine decides: bytes in, bytes out, TLS, and the child that knows passwords. */
import { begin, step } from "../../protocol/authup/authorization-state.ts";
import { LineReader } from "../../protocol/authup/line-reader.ts";
import {
  type Action,
  anyLineOctets,
  type Ended,
  type News,
  type Outcome,
  type Session,
} from "../../protocol/authup/session.ts";
import { loggable } from "../../protocol/authup/words.ts";
import { applyBlock } from "../../protocol/ucspi-tls/level.ts";
import { latin1 } from "../../protocol/wipeable.ts";
import {
  CannotRun,
  type Ended as ChildEnded,
  overloaded,
  type System,
  TimedOut,
  TlsFailed,
} from "../../system/system.ts";
import { takeChannel } from "./channel.ts";
import { Dialogue } from "./dialogue.ts";
import type { Options } from "./options.ts";
import type { Read } from "./settings.ts";

/** Talks to the client until it leaves or the program it became has ended. Resolves to our exit code. Throws Closed. */
export async function converse(
  system: System,
  { protocol: { dialect }, argv }: Options,
  { settings, timeoutSeconds }: Read,
): Promise<number> {
  const conversation = new Conversation(system, argv, timeoutSeconds);
  let [session, actions]: Outcome = begin(dialect, settings);
  try {
    for (;;) {
      const news = (await conversation.carryOut(actions)) ?? (await conversation.nextLine(session, dialect));
      if (typeof news === "number") return news;
      [session, actions] = step(dialect, session, news);
    }
  } finally {
    conversation.abandon();
  }
}

class Conversation {
  readonly #system: System;
  readonly #argv: readonly string[];
  readonly #timeoutSeconds: number;
  readonly #lines = new LineReader(anyLineOctets);
  #replies = "";
  #dialogue: Dialogue | undefined;

  constructor(system: System, argv: readonly string[], timeoutSeconds: number) {
    this.#system = system;
    this.#argv = argv;
    this.#timeoutSeconds = timeoutSeconds;
  }

  /** The news that the last action brought, our exit code when it was the end, else undefined. */
  async carryOut(actions: readonly Action[]): Promise<News | number | undefined> {
    for (const action of actions) {
      switch (action.do) {
        case "reply":
          this.#replies += `${action.text}\r\n`;
          break;
        case "log":
          this.#log(action.words);
          break;
        case "tellBlocklist":
          this.#tellBlocklist(action);
          break;
        case "startTls":
          return this.#startTls();
        case "checkPassword":
          return this.#checkPassword(action.user, action.fields);
        case "converse":
          return this.#converse(action);
        case "tell":
          await this.#dialogue?.tell(action.message);
          return this.#hear();
        case "abandon":
          this.abandon();
          break;
        case "hangUp":
          await this.#send();
          return action.code;
        default:
          return action satisfies never;
      }
    }
    return undefined;
  }

  /** The client's next line. All replies are sent before we wait for it. */
  async nextLine(
    session: Session,
    { longestLine }: { longestLine(session: Session, head: Uint8Array): number },
  ): Promise<News> {
    for (;;) {
      const line = this.#lines.next((head) => longestLine(session, head));
      if (line === "overlong") return { on: "overlongLine" };
      if (line !== undefined) {
        if (session.exchange === undefined) this.#system.record({ verb: firstWord(line) });
        return { on: "line", bytes: line, more: this.#lines.unread };
      }
      const full = this.#send();
      if (full !== undefined) await full;
      try {
        const chunk = await this.#system.input(0).read(this.#timeoutSeconds);
        if (chunk === null) return { on: "end" };
        this.#lines.push(chunk);
      } catch (error) {
        if (error instanceof TimedOut) return { on: "silence" };
        throw error;
      }
    }
  }

  /** As Output.write(): there is something to wait for when the client is behind. */
  #send(): Promise<void> | undefined {
    if (this.#replies === "") return undefined;
    const bytes = Buffer.from(this.#replies, "latin1");
    this.#replies = "";
    return this.#system.output(1).write(bytes);
  }

  async #startTls(): Promise<News | number> {
    await this.#send();
    if (this.#lines.unread) {
      // Anybody between us and the client may have put it there. RFC 3207 §6
      this.#log("hung up: text in clear after the go-ahead for TLS was asked for");
      return 1;
    }
    try {
      applyBlock(this.#system.env, await this.#system.startTls(this.#timeoutSeconds));
      return { on: "secured", channel: takeChannel(this.#system.env) };
    } catch (error) {
      if (!(error instanceof TlsFailed)) throw error;
      this.#log(`hung up: ${error.message}`);
      return 1;
    }
  }

  /** Nobody waits for the end of the conversation with checkpassword. */
  abandon(): void {
    this.#dialogue?.abandon();
    this.#dialogue = undefined;
  }

  async #converse({ mechanism, binding, certificate, initial }: Action & { do: "converse" }): Promise<News> {
    await this.#send();
    try {
      this.#dialogue = await Dialogue.begin(
        this.#system,
        this.#argv,
        { mechanism, binding, certificate },
        initial,
      );
    } catch (error) {
      return this.#cannotStart("", error);
    }
    return this.#hear();
  }

  async #hear(): Promise<News> {
    const dialogue = this.#dialogue;
    if (dialogue === undefined) return { on: "checked", pid: 0, user: "", ended: { code: 111 } };
    const word = await dialogue.hear();
    if (word !== undefined && word !== "malformed" && "challenge" in word) {
      return { on: "challenge", octets: word.challenge };
    }
    this.#dialogue = undefined;
    const { child } = dialogue;
    const user =
      word === undefined || word === "malformed" ? "" : "accepted" in word ? word.accepted : word.refused;
    this.#log(`checkpassword ${child.pid} attempt for ${loggable(user) || "?"}`);
    const ended = await child.wait();
    const { pid } = child;
    return { on: "checked", pid, user, ended: word === "malformed" ? { malformed: true } : endOf(ended) };
  }

  #cannotStart(user: string, error: unknown): News {
    if (!(error instanceof CannotRun)) throw error;
    this.#log(`attempt for ${loggable(user) || "?"}: ${error.message}`);
    const ended = scarce.has(error.code) ? ({ unable: "fork" } as const) : { code: 111 };
    return { on: "checked", pid: 0, user, ended };
  }

  async #checkPassword(user: string, fields: Uint8Array): Promise<News> {
    await this.#send();
    const system = this.#system;
    try {
      const child = await system.spawn(this.#argv, {
        wires: { 0: { inherit: true }, 1: { inherit: true }, 3: { bytes: fields } },
        // A name is UTF-8; the environment holds text, and writes the same octets for it.
        env: { AUTHUP_USER: Buffer.from(user, "latin1").toString("utf8") },
      });
      this.#log(`checkpassword ${child.pid} attempt for ${loggable(user)}`);
      fields.fill(0); // now, not when the session has ended
      return { on: "checked", pid: child.pid, user, ended: endOf(await child.wait()) };
    } catch (error) {
      return this.#cannotStart(user, error);
    } finally {
      fields.fill(0);
    }
  }

  /** As in the book of failures: never of ourselves. */
  #tellBlocklist({ failed, client }: Action & { do: "tellBlocklist" }): void {
    const { env } = this.#system;
    const port = Number((env.get("PROTO") === "TCP6" && env.get("TCP6LOCALPORT")) || env.get("TCPLOCALPORT"));
    if (!(port > 0 && port < 65_536) || this.#system.addresses().has(client)) return;
    this.#system.tellBlocklist({ failed, client, port });
  }

  #log(words: string): void {
    this.#system.log(`authup ${this.#system.pid} ${words}`);
  }
}

/** The resident host has an end of its own for what it had no room for. */
const endOf = (ended: ChildEnded): Ended =>
  "signal" in ended && ended.signal === overloaded ? { busy: true } : ended;

/** The system has no process, memory or descriptor to spare: the program may be there all the same. */
const scarce = new Set(["EAGAIN", "ENOMEM", "EMFILE", "ENFILE"]);

/** A verb, if it is one: at most eight letters, so that no string is made of a password. */
function firstWord(line: Uint8Array): string {
  const space = line.indexOf(0x20);
  const end = space < 0 ? line.length : space;
  const word = end < 4 || end > 8 ? "" : latin1(line, 0, end);
  return /^[A-Za-z]*$/.test(word) ? word.toUpperCase() : "";
}
