/** What fixsmtpio reads when it starts: control/smtpgreeting, control/timeoutsmtpd, control/fixsmtpio. */
import { readLineOrMe, readTimeout } from "../../control/control.ts";
import { type Problem, parseRules } from "../../protocol/fixsmtpio/rule.ts";
import { RuleSet } from "../../protocol/fixsmtpio/rule-set.ts";
import { CannotOpen, type System } from "../../system/system.ts";

export const rulesFile = "control/fixsmtpio";

export interface Controls {
  readonly greeting: string;
  readonly timeoutSeconds: number;
  readonly rules: RuleSet;
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
    const greeting = await readLineOrMe(system, "smtpgreeting");
    if (greeting === undefined) throw new NoControls("neither control/smtpgreeting nor control/me");
    const rules = rulesIn(await system.readFile(rulesFile));
    return { greeting, timeoutSeconds: await readTimeout(system, "timeoutsmtpd"), rules };
  } catch (error) {
    throw error instanceof CannotOpen ? new NoControls(error.message, { cause: error }) : error;
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
