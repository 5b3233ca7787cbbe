/** What starts the service again after it was killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { quoted } from "../launchers.ts";

/** Set for the process that a guard started: clients are waiting, and nothing is to be shown twice. */
export const resumedVariable = "ACCEPTUTILS_RESUMED";

/**
 * A shell that sleeps until we are gone. If we end as we should, it ends too; if we are killed, it becomes us again
 * (after a pause, when that has just happened: what kills us at once would do so again, without end).
 */
export class Guard {
  #child: ChildProcess | undefined;
  #released = false;
  readonly #resumed: boolean;

  constructor(resumed: boolean) {
    this.#resumed = resumed;
    this.#start();
  }

  /** We end on purpose. */
  release(): void {
    this.#released = true;
    (this.#child?.stdio[3] as NodeJS.WritableStream | null | undefined)?.end("done\n");
  }

  #start(): void {
    const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)].map(quoted).join(" ");
    const pause = this.#resumed ? "[ $(($(date +%s) - from)) -lt 3 ] && sleep 2;" : "";
    const script = `trap '' INT HUP QUIT; from=$(date +%s); read -r word <&3 && exit; exec 3<&-; ${pause} exec ${again}`;
    const child = spawn("/bin/sh", ["-c", script], {
      detached: true,
      stdio: ["ignore", 1, 2, "pipe"],
      env: { ...process.env, [resumedVariable]: "1" },
    });
    child.stdio[3]?.on("error", () => {});
    child.unref();
    (child.stdio[3] as unknown as { unref(): void }).unref();
    child.on("exit", () => {
      if (!this.#released) this.#start();
    });
    this.#child = child;
  }
}
