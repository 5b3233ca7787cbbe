/** Other rules, thought of while these decide: what they would change is told, and nothing is changed. */
import { linesOf, replyOf } from "./reply.ts";
import { rewriteReply, type Step } from "./rewrite.ts";
import type { Applicable } from "./rule-set.ts";
import {
  type Observer,
  type SeenReply,
  type SeenRequest,
  type Settings,
  surroundingsOf,
} from "./settings.ts";
import { Redactor, visible } from "./visible.ts";

export class Shadow implements Observer {
  readonly #settings: Settings;
  readonly #tell: (line: string) => void;
  readonly #redactor = new Redactor();
  #secured = false;
  #exitCode: number | undefined;

  /** `settings` are the conversation's, with the other rules. `tell` gets a line for each difference. */
  constructor(settings: Settings, tell: (line: string) => void) {
    this.#settings = settings;
    this.#tell = tell;
  }

  tlsStarted(): void {
    this.#secured = true;
  }

  rule({ rule }: Step): void {
    this.#exitCode = rule.exitCode ?? this.#exitCode;
  }

  request({ event, line, front, prefix, passed, secret }: SeenRequest): void {
    this.#redactor.request(line, secret);
    if (passed === "") return;
    const { prefix: other } = this.#applying(event);
    if (other === prefix) return;
    const shown = (text: string) => visible(front + text + (secret ? "" : passed));
    this.#tell(`${event}: request "${shown(prefix)}" would be "${shown(other)}"`);
  }

  reply({ event, reply, shown, sent }: SeenReply): void {
    const decided = this.#exitCode;
    this.#exitCode = undefined;
    if (shown === undefined) return; // no rule sees it
    const lines = linesOf(replyOf(shown));
    const surroundings = surroundingsOf(this.#settings, this.#secured);
    const deciders = new Set<number>();
    const { rules } = this.#applying(event);
    const { text = shown, exitCode } = rewriteReply(event, lines, rules, surroundings, ({ rule }) =>
      deciders.add(rule.line),
    );
    const by = deciders.size === 0 ? "no rule" : `line ${[...deciders].join(", ")}`;
    const show = (words: string) => visible(this.#redactor.reply(words));
    if (text !== sent) {
      this.#tell(`${event}: reply "${show(sent)}" to "${show(reply)}" would be "${show(text)}" (${by})`);
    }
    if (exitCode !== decided) {
      this.#tell(`${event}: exit code ${decided ?? "none"} would be ${exitCode ?? "none"} (${by})`);
    }
  }

  #applying(event: string): Applicable {
    return this.#settings.rules.where(this.#settings.has).applying(event);
  }
}
