/**
 * The environment of a program in a worker: a Map that is shared, not copied, when it is handed on; what is set is kept
 * beside it. A session has half a dozen programs, with sixty variables each inside TLS, and each changes a few. It does not
 * extend Map, which would have a table of its own.
 */
export class Environment implements Map<string, string> {
  #base: ReadonlyMap<string, string>;
  /** On top of it; null: removed. */
  #changes: Map<string, string | null> | undefined;
  /** Nobody else reads our changes. */
  #mine = false;

  /** Reads `from`, which nobody may change afterwards, and has `more` on top of it, which is its own from now on. */
  constructor(from: ReadonlyMap<string, string>, more?: Map<string, string | null>) {
    this.#base = from;
    this.#changes = more;
    this.#mine = more !== undefined;
  }

  /** Another one with the same variables; changes of either are not seen in the other. */
  fork(): Environment {
    if (this.#changes !== undefined && this.#changes.size > worthCopying) this.#merged();
    const fork = new Environment(this.#base);
    fork.#changes = this.#changes;
    this.#mine = false;
    return fork;
  }

  /** What is not as in the environment that this one began with; null: removed. */
  get changes(): ReadonlyMap<string, string | null> {
    return this.#changes ?? none;
  }

  /** The changes, when this environment began with `base` and knows what they are; null: removed. */
  changesOf(base: ReadonlyMap<string, string>): ReadonlyMap<string, string | null> | undefined {
    return this.#base === base ? this.changes : undefined;
  }

  get size(): number {
    return this.#merged().size;
  }

  get(name: string): string | undefined {
    const change = this.#changes?.get(name);
    return change === undefined ? this.#base.get(name) : (change ?? undefined);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  set(name: string, value: string): this {
    if (this.#changes?.get(name) === null) this.#merged(); // what was removed comes last when it comes back
    this.#own().set(name, value);
    return this;
  }

  /**
   * Sets all of `shared`, which nobody may change afterwards. Environments that began alike and are told the same share what
   * comes of it; its variables come before those that were set one by one.
   */
  setAll(shared: ReadonlyMap<string, string>): void {
    for (const name of shared.keys()) if (this.#changes?.has(name)) this.#own().delete(name);
    this.#base = both(this.#base, shared);
  }

  delete(name: string): boolean {
    if (!this.has(name)) return false;
    this.#own().set(name, null);
    return true;
  }

  clear(): void {
    this.#base = new Map();
    this.#changes = undefined;
  }

  forEach(each: (value: string, name: string, map: Map<string, string>) => void): void {
    // In the order that a merged one has, and without one: who is asked once is not to keep all of it.
    const changes = this.#changes;
    for (const [name, value] of this.#base) {
      const change = changes?.get(name);
      if (change !== null) each(change ?? value, name, this);
    }
    for (const [name, value] of changes ?? none)
      if (value !== null && !this.#base.has(name)) each(value, name, this);
  }

  entries(): MapIterator<[string, string]> {
    return this.#merged().entries();
  }

  keys(): MapIterator<string> {
    return this.#merged().keys();
  }

  values(): MapIterator<string> {
    return this.#merged().values();
  }

  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.#merged().entries();
  }

  getOrInsert(name: string, value: string): string {
    return this.getOrInsertComputed(name, () => value);
  }

  getOrInsertComputed(name: string, make: (name: string) => string): string {
    const known = this.get(name);
    if (known !== undefined) return known;
    const value = make(name);
    this.set(name, value);
    return value;
  }

  get [Symbol.toStringTag](): string {
    return "Environment";
  }

  #own(): Map<string, string | null> {
    if (this.#changes === undefined || !this.#mine) {
      this.#changes = new Map(this.#changes);
      this.#mine = true;
    }
    return this.#changes;
  }

  /** All variables in one Map, which is read from then on. */
  #merged(): Map<string, string> {
    if (this.#changes === undefined) return this.#base as Map<string, string>;
    const all = new Map(this.#base);
    for (const [name, value] of this.#changes) {
      if (value === null) all.delete(name);
      else all.set(name, value);
    }
    this.#base = all;
    this.#changes = undefined;
    return all;
  }
}

const none: ReadonlyMap<string, null> = new Map();

/** More changes than this are merged before somebody copies them again and again. */
const worthCopying = 24;

/** What came of a Map and another one on top of it. */
const known = new WeakMap<
  ReadonlyMap<string, string>,
  WeakMap<ReadonlyMap<string, string>, Map<string, string>>
>();

function both(base: ReadonlyMap<string, string>, top: ReadonlyMap<string, string>): Map<string, string> {
  const ofBase = known.get(base) ?? new WeakMap();
  known.set(base, ofBase);
  const all = ofBase.get(top) ?? new Map([...base, ...top]);
  ofBase.set(top, all);
  return all;
}
