/** What fixsmtpio reads when it starts: control/smtpgreeting, control/timeoutsmtpd, control/fixsmtpio. */
import { readLineOrMe, readTimeout } from "../../control/control.ts";
import { type Problem, parseRules } from "../../protocol/fixsmtpio/rule.ts";
import { RuleSet } from "../../protocol/fixsmtpio/rule-set.ts";
import { CannotOpen, type System } from "../../system/system.ts";

export const rulesFile = "control/fixsmtpio";

/** A folder for sessions to be written to; and rules whose effect is only told. acceptutils-rules(8) */
export const recordVariable = "ACCEPTUTILS_RECORD";
export const shadowVariable = "ACCEPTUTILS_SHADOW";

export interface Controls {
  readonly greeting: string;
  readonly timeoutSeconds: number;
  readonly rules: RuleSet;
  readonly shadow: RuleSet | undefined;
}

/** A control file is missing or cannot be read. */
export class NoControls extends Error {
  override readonly name = "NoControls";
}

/** control/fixsmtpio is not made of rules alone. */
export class BadRules extends Error {
  override readonly name = "BadRules";
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(`unable to parse ${rulesFile}`);
    this.problems = problems;
  }
}

/** Reads the control files under the working directory. Throws NoControls, BadRules. */
export async function readControls(system: System): Promise<Controls> {
  try {
    const controls = await system.settings("fixsmtpio", () => readFiles(system));
    return system.env.has(shadowVariable) ? { ...controls, shadow: await shadowIn(system) } : controls;
  } catch (error) {
    throw error instanceof CannotOpen ? new NoControls(error.message, { cause: error }) : error;
  }
}

async function readFiles(system: System): Promise<Controls> {
  const greeting = await readLineOrMe(system, "smtpgreeting");
  if (greeting === undefined) throw new NoControls("neither control/smtpgreeting nor control/me");
  const rules = rulesIn(await system.readFile(rulesFile));
  const timeoutSeconds = await readTimeout(system, "timeoutsmtpd");
  return { greeting, timeoutSeconds, rules, shadow: undefined };
}

/** Rules that decide nothing cannot stop a session either. */
async function shadowIn(system: System): Promise<RuleSet | undefined> {
  const path = system.env.get(shadowVariable);
  if (path === undefined) return undefined;
  try {
    const bytes = await system.readFile(path);
    if (bytes === undefined) throw new CannotOpen(path, "ENOENT");
    return rulesIn(bytes);
  } catch (error) {
    if (!(error instanceof BadRules || error instanceof CannotOpen)) throw error;
    system.log(
      `fixsmtpio: no shadow: ${error instanceof BadRules ? `unable to parse ${path}` : error.message}`,
    );
    return undefined;
  }
}

const none = new RuleSet([]);

/** An unchanged file is the same object: its rules are made once for all sessions of a worker. */
const made = new WeakMap<Uint8Array, RuleSet>();

function rulesIn(bytes: Uint8Array | undefined): RuleSet {
  if (bytes === undefined) return none;
  let ruleSet = made.get(bytes);
  if (ruleSet === undefined) {
    const { rules, problems } = parseRules(Buffer.from(bytes).toString("latin1"));
    if (problems.length > 0) throw new BadRules(problems);
    ruleSet = new RuleSet(rules);
    made.set(bytes, ruleSet);
  }
  return ruleSet;
}
