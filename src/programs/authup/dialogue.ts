/** A checkpassword that can be talked with: authup's end of descriptor 3. */
import {
  conversationReader,
  formatMessage,
  formatOpening,
  type Opening,
  parseWord,
  type Word,
} from "../../protocol/checkpassword/conversation.ts";
import type { Child, System } from "../../system/system.ts";

export class Dialogue {
  readonly child: Child;
  readonly #words = conversationReader();

  private constructor(child: Child) {
    this.child = child;
  }

  /** Starts `argv` and gives it the client's first message, which is wiped. Throws CannotRun. */
  static async begin(
    system: System,
    argv: readonly string[],
    opening: Opening,
    initial: Uint8Array | undefined,
  ): Promise<Dialogue> {
    try {
      const child = await system.spawn(argv, {
        wires: { 0: { inherit: true }, 1: { inherit: true }, 3: { both: true } },
      });
      const dialogue = new Dialogue(child);
      await dialogue.#write(formatOpening(opening));
      await dialogue.tell(initial);
      return dialogue;
    } finally {
      initial?.fill(0);
    }
  }

  /** Gives it the client's next message, which is wiped. */
  async tell(message: Uint8Array | undefined): Promise<void> {
    const bytes = formatMessage(message);
    message?.fill(0);
    await this.#write(bytes);
  }

  /** What it says next; undefined when it says nothing more. */
  async hear(): Promise<Word | undefined> {
    for (;;) {
      const octets = this.#words.next();
      if (octets === "broken") return undefined;
      if (octets !== undefined) return parseWord(octets);
      const chunk = await this.child.input(3).read();
      if (chunk === null) return undefined;
      this.#words.push(chunk);
    }
  }

  /** It learns that nobody waits for it. */
  abandon(): void {
    this.child.output(3).close();
    this.child.kill("SIGTERM");
  }

  /** To one that has ended, nothing needs to be said: hear() tells. */
  async #write(bytes: Uint8Array): Promise<void> {
    try {
      await this.child.output(3).write(bytes);
    } catch {
      // Closed
    }
  }
}
