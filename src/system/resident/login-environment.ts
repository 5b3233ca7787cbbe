import type { Service } from "./service.ts";

/** What a session may say of itself to a process with more rights; all else in the environment is the service's own. */
export const sessionVariable =
  /^(PROTO|AUTHUP_[A-Z]+|(TCP6?|SSL)(LOCAL|REMOTE)[A-Z]+|TCP6INTERFACE|TCPCONNNUM|SSL_[A-Z0-9_]+)$/;

/** The environment that checkpassword gets, as a front says it: authup has read the level of TLS, and unset it. */
export function loginEnvironment({ env: own }: Service, said: unknown): Map<string, string> {
  const env = new Map(Object.entries(own));
  env.delete("UCSPITLS");
  env.delete("DISABLETLS");
  for (const [name, value] of Object.entries((said ?? {}) as Record<string, unknown>)) {
    if (sessionVariable.test(name) && typeof value === "string") env.set(name, value);
  }
  return env;
}

/** What a session says of itself. */
export const saidOf = (env: ReadonlyMap<string, string>) =>
  Object.fromEntries([...env].filter(([name]) => sessionVariable.test(name)));
