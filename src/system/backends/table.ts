/** The backends by the name of the program that asks them. Each is loaded when it is first asked. */
import type { Backend } from "../../auth/backend.ts";
import type { Surroundings } from "./surroundings.ts";

type Loader = () => Promise<{ open(around: Surroundings): Backend }>;

const loaders: ReadonlyMap<string, Loader> = new Map([
  ["checkpassword", () => import("./users-file.ts")],
  ["checkpassword-shadow", () => import("./shadow.ts")],
  ["checkpassword-pam", () => import("./pam.ts")],
  ["checkpassword-ldap", () => import("./ldap.ts")],
  ["checkpassword-pgsql", () => import("./pgsql.ts")],
  ["checkpassword-http", () => import("./http.ts")],
  ["checkpassword-dovecot", () => import("./dovecot.ts")],
]);

/** True for the name of a program that asks a backend of ours. */
export const isBackend = (program: string): boolean => loaders.has(program);

/** The backend that `program` asks. Throws RangeError when none of ours is called so. */
export async function openBackend(program: string, around: Surroundings): Promise<Backend> {
  const load = loaders.get(program);
  if (load === undefined) throw new RangeError(`no backend of ours is called ${program}`);
  return (await load()).open(around);
}
