/** The rules of one session at work: what they put in front of requests, make of replies, and how it is to end. */
import { rewriteAgain } from "./known-replies.ts";
import { linesOf, type Reply } from "./reply.ts";
import { rewriteReply } from "./rewrite.ts";
import type { Applicable, InForce } from "./rule-set.ts";
import { type Observer, type Settings, surroundingsOf } from "./settings.ts";

/** What became of a reply. */
export interface Ruling {
  /** "" when nothing is left; undefined when it stays as it is. */
  readonly text: string | undefined;
  /** The session ends after it. */
  readonly stops: boolean;
}

export class Rulings {
  readonly #settings: Settings;
  readonly #observer: Observer | undefined;
  /** Those of the rules that apply with the variables of this moment. */
  #inForce: InForce | undefined;
  #exitCode: number | undefined;

  constructor(settings: Settings, observer: Observer | undefined) {
    this.#settings = settings;
    this.#observer = observer;
  }

  /** The last exit code a rule gave, if one did. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** What goes in front of a request, or stands for one. */
  prefixOf(event: string): string {
    return this.#applying(event).prefix;
  }

  /** Takes a reply to `event` through the rules; `secured`: within TLS. */
  ofReply(event: string, reply: Reply, secured: boolean): Ruling {
    const { rules } = this.#applying(event);
    const { hidesExtensions, offersChunking } = this.#settings.options ?? {};
    const own = event === "ehlo" && (hidesExtensions || offersChunking);
    if (rules.length === 0 && !own) return { text: undefined, stops: false };
    const observer = this.#observer;
    const surroundings = surroundingsOf(this.#settings, secured);
    const { text, exitCode } =
      observer?.rule === undefined
        ? rewriteAgain(event, reply, rules, surroundings)
        : rewriteReply(event, linesOf(reply), rules, surroundings, (step) => observer.rule?.(step));
    this.#exitCode = exitCode ?? this.#exitCode;
    return { text, stops: exitCode !== undefined };
  }

  /** What they say of a session that the client, or we, ended; `text` is the request that was not finished. */
  ofClientsEnd(text: string): void {
    for (const rule of this.#applying("clienteof").rules) {
      if (!rule.glob.matches(text)) continue;
      this.#exitCode = rule.exitCode ?? this.#exitCode;
      this.#observer?.rule?.({ rule, index: 0, original: text, before: text, after: text });
    }
  }

  /** There are other variables now. */
  askAnew(): void {
    this.#inForce = undefined;
  }

  #applying(event: string): Applicable {
    this.#inForce ??= this.#settings.rules.where(this.#settings.has);
    return this.#inForce.applying(event);
  }
}
