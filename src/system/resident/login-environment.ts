import { Environment } from "./environment.ts";
import { type Heard, othersIn, type Said } from "./said.ts";
import type { Service } from "./service.ts";
import { commonEnvironment } from "./session-environment.ts";

/** What a session may say of itself to a process with more rights; all else in the environment is the service's own. */
export const sessionVariable =
  /^(PROTO|AUTHUP_[A-Z]+|(TCP6?|SSL)(LOCAL|REMOTE)[A-Z]+|TCP6INTERFACE|TCPCONNNUM|SSL_[A-Z0-9_]+)$/;

/** What all logins to a service begin with. */
const bases = new WeakMap<Service, ReadonlyMap<string, string>>();

function baseOf(service: Service): ReadonlyMap<string, string> {
  let base = bases.get(service);
  if (base === undefined) {
    const { UCSPITLS: _, DISABLETLS: __, ...env } = service.env;
    base = new Map(Object.entries(env));
    bases.set(service, base);
  }
  return base;
}

/**
 * The environment that checkpassword gets: the service's, and what a front says (see saidOf), as far as it may. authup has
 * read the level of TLS, and unset it.
 */
export function loginEnvironment(service: Service, said: unknown): Map<string, string> {
  const env = new Map(baseOf(service));
  const words: readonly unknown[] = Array.isArray(said) ? said : [];
  for (let at = 0; at + 1 < words.length; at += 2) set(env, words[at], words[at + 1]);
  return env;
}

function set(env: Map<string, string>, name: unknown, value: unknown): void {
  if (typeof name === "string" && typeof value === "string" && sessionVariable.test(name))
    env.set(name, value);
}

/** By what is the same for many sessions. */
const wholes = new WeakMap<Said, { readonly service: Service; readonly env: ReadonlyMap<string, string> }>();

/** The same of what a user's worker has heard. */
export function heardEnvironment(service: Service, heard: Heard): Environment {
  let common = wholes.get(heard.whole);
  if (common?.service !== service) {
    common = { service, env: loginEnvironment(service, heard.whole) };
    wholes.set(heard.whole, common);
  }
  const env = new Environment(common.env);
  for (const [name, value] of othersIn(heard)) set(env, name, value);
  return env;
}

/** What a session of `service` says of itself. */
export function saidOf(env: ReadonlyMap<string, string>, service: Service): Said {
  const said: string[] = [];
  // The process that hears it knows the service's own.
  const own = env instanceof Environment ? env.changesOf(commonEnvironment(service)) : undefined;
  (own ?? env).forEach((value, name) => {
    if (value !== null && sessionVariable.test(name)) said.push(name, value);
  });
  return said;
}
