/**
 * The environment of a program in a worker: a Map that is copied when it is written to, not when it is handed on. A
 * session has half a dozen programs, with sixty variables each inside TLS, and few change any.
 */
export class Environment extends Map<string, string> {
  #held: Map<string, string>;
  /** Nobody else reads what we hold. */
  #mine = false;

  /** Reads `from`, which nobody may change afterwards, until something is set here. */
  constructor(from: ReadonlyMap<string, string>) {
    super();
    this.#held = from as Map<string, string>;
  }

  /** Another one with the same variables; changes of either are not seen in the other. */
  fork(): Environment {
    this.#mine = false;
    return new Environment(this.#held);
  }

  override get size(): number {
    return this.#held.size;
  }

  override get(name: string): string | undefined {
    return this.#held.get(name);
  }

  override has(name: string): boolean {
    return this.#held.has(name);
  }

  override set(name: string, value: string): this {
    this.#own().set(name, value);
    return this;
  }

  override delete(name: string): boolean {
    return this.#held.has(name) && this.#own().delete(name);
  }

  override clear(): void {
    this.#held = new Map();
    this.#mine = true;
  }

  override forEach(each: (value: string, name: string, map: Map<string, string>) => void): void {
    for (const [name, value] of this.#held) each(value, name, this);
  }

  override entries(): MapIterator<[string, string]> {
    return this.#held.entries();
  }

  override keys(): MapIterator<string> {
    return this.#held.keys();
  }

  override values(): MapIterator<string> {
    return this.#held.values();
  }

  override [Symbol.iterator](): MapIterator<[string, string]> {
    return this.#held.entries();
  }

  #own(): Map<string, string> {
    if (!this.#mine) {
      this.#held = new Map(this.#held);
      this.#mine = true;
    }
    return this.#held;
  }
}
