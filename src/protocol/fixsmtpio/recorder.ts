/** Writes a session down while it happens, for the session files of `acceptutils rules`: no secret, no message. */
import type { Act, Moment, Session } from "./session-file.ts";
import type { Observer, SeenReply, SeenRequest, Settings } from "./settings.ts";
import { Redactor } from "./visible.ts";

/** What a session may be remembered of. A client that goes on for ever is not. */
const maximumMoments = 10_000;
const maximumOctets = 1024 * 1024;

export class Recorder implements Observer {
  readonly #settings: Settings;
  readonly #variables: ReadonlySet<string>;
  readonly #moments: Moment[] = [];
  readonly #redactor = new Redactor();
  #messageOctets = 0;
  #octets = 0;

  /** Of the variables that rules ask for, the names are written down, never the values. */
  constructor(settings: Settings) {
    this.#settings = settings;
    const names = settings.rules.all.map(({ env }) => env);
    this.#variables = new Set(["AUTHUP_USER", ...names].filter((name) => settings.has(name)));
  }

  request({ event, line, front, prefix, passed, secret }: SeenRequest): void {
    // A chunk is a message, too: it is left out, and the request tells so.
    const told = (text: string) => {
      const words = event === "bdat" ? text.replace(/^(BDAT +)[0-9]+/i, (_all, verb) => `${verb}0`) : text;
      return this.#redactor.request(words, secret);
    };
    const sent = passed === "" ? "" : front + prefix + told(passed);
    if (line === "") this.#addToLast(sent, "");
    else this.#add({ do: "client says", text: told(line) }, sent, "");
  }

  reply({ reply, sent }: SeenReply): void {
    const shown = (text: string) => this.#redactor.reply(text);
    this.#add({ do: "server says", text: shown(reply) }, "", shown(sent));
  }

  ownAnswer(text: string): void {
    this.#addToLast("", text);
  }

  chunksEnded(): void {
    this.#addToLast(".\r\n", "");
  }

  message(bytes: Buffer, ended: boolean): void {
    this.#messageOctets += bytes.length;
    if (ended) this.#addMessage(".\r\n");
  }

  tlsStarted(): void {
    this.#add({ do: "TLS starts" }, "", "");
  }

  serverStarted(): void {
    this.#add({ do: "server starts anew" }, "", "");
  }

  clientEnded(): void {
    if (this.#messageOctets > 0) this.#addMessage("");
    this.#add({ do: "client ends" }, "", "");
  }

  /** The whole session, when the server has ended, or a rule, or we, ended it. */
  session(serverCode: number | undefined, exitCode: number): Session {
    if (serverCode !== undefined) this.#add({ do: "server ends", exitCode: serverCode }, "", "");
    const { greeting, level: tls, options = {} } = this.#settings;
    const env = new Map([...this.#variables].map((name) => [name, ""]));
    return { env, greeting, tls, options, moments: this.#moments, exitCode };
  }

  #addMessage(end: string): void {
    const text = `(a message of ${this.#messageOctets} octets)\r\n${end}`;
    this.#messageOctets = 0;
    this.#add({ do: "client says", text }, text, "");
  }

  #addToLast(serverHears: string, clientHears: string): void {
    const last = this.#moments.pop();
    if (last === undefined) return;
    this.#octets += serverHears.length + clientHears.length;
    const both = { serverHears: last.serverHears + serverHears, clientHears: last.clientHears + clientHears };
    this.#moments.push({ act: last.act, ...both });
  }

  #add(act: Act, serverHears: string, clientHears: string): void {
    this.#octets += ("text" in act ? act.text.length : 0) + serverHears.length + clientHears.length;
    if (this.#moments.length >= maximumMoments || this.#octets > maximumOctets) return;
    this.#moments.push({ act, serverHears, clientHears });
  }
}
