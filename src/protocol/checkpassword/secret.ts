import { wipeableCopy } from "../wipeable.ts";

/** A password: bytes that print as ******** wherever they turn up, and are wiped once used. */
export class Secret {
  readonly #bytes: Uint8Array;

  /** Takes `bytes` over: whoever made them must not keep them. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** A secret of its own memory. `slice()` would not do: of a Buffer it is a view, wiped with the original. */
  static copyOf(bytes: Uint8Array): Secret {
    return new Secret(wipeableCopy(bytes));
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** The bytes themselves, for as long as it takes to hand them on. All NUL after wipe(). */
  reveal(): Uint8Array {
    return this.#bytes;
  }

  wipe(): void {
    this.#bytes.fill(0);
  }

  [Symbol.dispose](): void {
    this.wipe();
  }

  toString(): string {
    return "********";
  }

  toJSON(): string {
    return "********";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "********";
  }
}
