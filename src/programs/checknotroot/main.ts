import { CannotRun, type System } from "../../system/system.ts";

const usage = "checknotroot: usage: checknotroot prog";

/** Runs prog, unless we are root. Returns the exit code: 1 for us, else prog's own. checknotroot(8) */
export async function main(words: readonly string[], system: System): Promise<number> {
  if (words.length === 0) return refuse(system, usage);
  const { real, effective, saved } = system.uids();
  if (real === 0 || effective === 0 || saved === 0) {
    return refuse(system, "checknotroot: WAS RUNNING AS ROOT, TERMINATING");
  }
  // Nothing of ours waits for the end of prog but what to say if it cannot be run.
  return system.exec(words).catch((error: unknown) => {
    if (!(error instanceof CannotRun)) throw error;
    return refuse(system, `checknotroot: ${error.message}`);
  });
}

function refuse(system: System, line: string): number {
  system.log(line);
  return 1;
}
