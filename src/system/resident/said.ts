/**
 * What sessions say of themselves, from a front to the worker of a user. Most of it is the same each time, such as all that
 * there is to say of the server's certificate: it is told once as a whole, and from then on what is different.
 */

/** Names of variables, each with its value behind it. */
export type Said = readonly string[];

/** What is told: a whole, or what stands elsewhere than in the whole before it: places, each with the value that is there. */
export type Told = { readonly env: Said } | { readonly other: readonly (number | string)[] };

/** What is heard; the same `whole` for many sessions. */
export interface Heard {
  readonly whole: Said;
  readonly other: readonly (number | string)[];
}

const nothing: Heard = { whole: [], other: [] };

/** By service. Both sides forget at the same time: each tells and hears the same, in the same order. */
class Wholes {
  readonly #wholes = new Map<number, Said>();

  get(service: number): Said | undefined {
    return this.#wholes.get(service);
  }

  set(service: number, whole: Said): void {
    if (this.#wholes.size >= mostServices) this.#wholes.clear();
    this.#wholes.set(service, whole);
  }
}

const mostServices = 64;

/** The side that tells. */
export class Telling {
  readonly #wholes = new Wholes();

  /** What to tell of a session of `service`. It is to be told: the next one builds on it. */
  tell(service: number, said: Said): Told {
    const other = differences(this.#wholes.get(service) ?? [], said);
    if (other !== undefined) return { other };
    this.#wholes.set(service, said);
    return { env: said };
  }
}

/** Undefined when there are others than values. */
function differences(whole: Said, said: Said): (number | string)[] | undefined {
  if (whole.length !== said.length) return undefined;
  const other: (number | string)[] = [];
  for (let at = 0; at < said.length; at += 2) {
    if (said[at] !== whole[at]) return undefined;
    if (said[at + 1] !== whole[at + 1]) other.push(at + 1, said[at + 1]!);
  }
  return other;
}

/** The side that hears. Who tells may have been taken over: what it tells may be anything. */
export class Hearing {
  readonly #wholes = new Wholes();

  hear(service: number, told: Readonly<Record<string, unknown>>): Heard {
    const { env, other } = told;
    if (Array.isArray(env)) {
      const whole = env.map(String);
      this.#wholes.set(service, whole);
      return { whole, other: [] };
    }
    const whole = this.#wholes.get(service);
    return whole === undefined || !Array.isArray(other) ? nothing : { whole, other };
  }
}

/** The variables that are not as in the whole. */
export function* othersIn({ whole, other }: Heard): Generator<readonly [string, string]> {
  for (let at = 0; at + 1 < other.length; at += 2) {
    const name = whole[Number(other[at]) - 1];
    if (name !== undefined) yield [name, String(other[at + 1])];
  }
}
