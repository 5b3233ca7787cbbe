/** The rules of s6-tcpserver-access, where they are kept: in a folder, or in a cdb made of it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Cdb } from "../protocol/cdb/cdb.ts";
import { type AccessRule, accessRule, variableIn } from "../protocol/ucspi/s6-rules.ts";
import { readFileCached } from "./files.ts";
import { CannotOpen, codeOf } from "./system.ts";

/** The rule called so; undefined when there is none. Throws CannotOpen or BrokenCdb. */
export type AccessRules = (key: string) => AccessRule | undefined;

/** `folder`/KEY/allow or deny, with env/NAME and exec beside it. */
export function rulesInFolder(folder: string): AccessRules {
  return (key) => {
    const rule = join(folder, key);
    try {
      if (existsSync(join(rule, "allow"))) return allowed(rule);
      return existsSync(join(rule, "deny")) ? { allow: false, env: new Map() } : undefined;
    } catch (error) {
      throw new CannotOpen(rule, codeOf(error), { cause: error });
    }
  };
}

function allowed(rule: string): AccessRule {
  const env = join(rule, "env");
  const names = existsSync(env) ? readdirSync(env) : [];
  const exec = join(rule, "exec");
  return {
    allow: true,
    env: new Map(names.map((name) => [name, variableIn(readFileSync(join(env, name), "latin1"))])),
    exec: existsSync(exec) ? readFileSync(exec, "latin1") : undefined,
  };
}

/** A cdb, as s6-accessrules-cdb-from-fs makes it. Throws CannotOpen when there is none. */
export function rulesInCdb(file: string): AccessRules {
  const bytes = readFileCached(file);
  if (bytes === undefined) throw new CannotOpen(file, "ENOENT");
  const cdb = new Cdb(bytes);
  return (key) => {
    const data = cdb.get(key);
    return data === undefined ? undefined : accessRule(data);
  };
}
