/** Looks at who connects, and lets the next program have the connection or not. s6-tcpserver-access(8) */
import { resolve } from "node:path";
import { type AccessRule, addressKeys, nameKeys } from "../../protocol/ucspi/s6-rules.ts";
import { applyBlock } from "../../protocol/ucspi-tls/level.ts";
import { type AccessRules, rulesInCdb, rulesInFolder } from "../../system/access-rules.ts";
import { CannotRun, type System } from "../../system/system.ts";
import { Misused } from "../getopt.ts";
import { type Connection, connectionIn, LookUpFailed, type Names, namesOf } from "./look-up.ts";
import { type AccessOptions, parseOptions, usage } from "./options.ts";

/** `late`: -t. */
export const exit = { denied: 1, late: 99, misused: 100, temporary: 111 };

const name = "s6-tcpserver-access";

/** Returns the exit code: 1 denied, 99 too late, 100 misused, 111 unable, else that of the program. */
export async function main(words: readonly string[], system: System): Promise<number> {
  let options: AccessOptions;
  try {
    options = parseOptions(words);
  } catch (error) {
    if (!(error instanceof Misused)) throw error;
    if (error.message !== "") system.log(`${name}: ${error.message}`);
    system.log(usage);
    return exit.misused;
  }
  const connection = connectionIn(system.env);
  if (typeof connection === "string") {
    system.log(`${name}: fatal: ${connection}`);
    return exit.misused;
  }
  try {
    if (options.banner !== "") await system.output(1).write(Buffer.from(options.banner, "latin1"));
    const found = await inTime(system, options.seconds, judge(connection, options, system));
    return found === "late" ? exit.late : await carryOut(found, connection, options, system);
  } catch (error) {
    if (error instanceof LookUpFailed) return exit.temporary;
    system.log(`${name}: fatal: ${(error as Error).message}`);
    return exit.temporary;
  }
}

interface Judged {
  readonly rule: AccessRule;
  readonly names: Names;
}

const everybody: AccessRule = { allow: true, env: new Map() };
const nobody: AccessRule = { allow: false, env: new Map() };

/** The networks of the address decide; if none does, the name; if there is none, nobody is let in. */
async function judge(connection: Connection, options: AccessOptions, system: System): Promise<Judged> {
  const rules = rulesOf(options, system);
  const byAddress = rules === undefined ? everybody : firstOf(rules, addressKeys(connection.remoteIp));
  if (byAddress?.allow === false) return { rule: byAddress, names: {} };
  const names = await namesOf(connection, options, system);
  if (byAddress !== undefined) return { rule: byAddress, names };
  const { remoteHost } = names;
  const byName = remoteHost === undefined ? undefined : firstOf(rules!, nameKeys(remoteHost));
  return { rule: byName ?? nobody, names };
}

function rulesOf({ rules }: AccessOptions, system: System): AccessRules | undefined {
  if (rules === undefined) return undefined;
  const path = resolve(system.cwd(), rules.path);
  return rules.kind === "folder" ? rulesInFolder(path) : rulesInCdb(path);
}

function firstOf(rules: AccessRules, keys: Iterable<string>): AccessRule | undefined {
  for (const key of keys) {
    const rule = rules(key);
    if (rule !== undefined) return rule;
  }
  return undefined;
}

async function carryOut(
  { rule, names }: Judged,
  { proto, remoteIp }: Connection,
  { verbosity, argv }: AccessOptions,
  system: System,
): Promise<number> {
  const say = (what: string) =>
    system.log(`${name}: pid ${system.pid}: info: ${what} pid ${system.pid} ip ${remoteIp}`);
  if (!rule.allow) {
    if (verbosity >= 2) say("deny");
    return exit.denied;
  }
  const { localHost, remoteHost, remoteInfo } = names;
  const found = { LOCALHOST: localHost, REMOTEHOST: remoteHost, REMOTEINFO: remoteInfo };
  applyBlock(
    system.env,
    new Map(Object.entries(found).map(([fact, value]) => [`${proto}${fact}`, value] as const)),
  );
  applyBlock(system.env, rule.env);
  if (verbosity >= 1) say("allow");
  const next = rule.exec === undefined ? argv : ["execlineb", "-c", rule.exec];
  try {
    return await system.exec(next);
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    system.log(`${name}: fatal: ${error.message}`);
    return exit.temporary;
  }
}

async function inTime<Result>(
  system: System,
  seconds: number | undefined,
  work: Promise<Result>,
): Promise<Result | "late"> {
  if (seconds === undefined) return work;
  const late = system.sleep(seconds);
  const first = await Promise.race([work, late.then(() => "late" as const)]);
  late.cancel();
  return first;
}
