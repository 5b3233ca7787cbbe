/** What there is in a home folder, as the service needs to know it. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Installation } from "../launchers.ts";
import { codeOf } from "../system.ts";
import { type Listener, listenerIn, listening } from "./run-scripts.ts";

/** A home folder that is complete and checked. */
export interface HomeFacts {
  /** Absolute. */
  readonly home: string;
  readonly installation: Installation;
  /** In the order they are started: the queue first. */
  readonly services: readonly ServiceFacts[];
}

/** One folder under service/. */
export interface ServiceFacts {
  readonly name: string;
  /** Absolute; `sh` runs it, in its own folder. */
  readonly script: string;
  /** What to set for it on top of our own environment: PATH, ACCEPTUTILS_HOME, and what service/NAME/env says. */
  readonly env: ReadonlyMap<string, string>;
  /** Where clients find it; undefined for the queue, and when its script does not tell. */
  readonly listener: (Listener & { readonly tls: "starttls" | "implicit" }) | undefined;
}

/**
 * Reads the services of `home`, which they find under the path `seen`. One whose files cannot be read is left out:
 * faultsIn() tells why.
 */
export function readHome(
  home: string,
  installation: Installation,
  path: string | undefined,
  seen: string,
): HomeFacts {
  const folder = join(home, "service");
  const names = readdirSync(folder)
    .filter((name) => !name.startsWith(".") && statSync(join(folder, name)).isDirectory())
    .sort((a, b) => rank(a) - rank(b));
  const services = names.flatMap((name): ServiceFacts[] => {
    try {
      const script = join(folder, name, "run");
      const listener = listenerIn(readFileSync(script, "latin1"));
      const tls = listening.get(name)?.tls ?? "starttls";
      const env = new Map([
        ["PATH", `${join(seen, "bin")}:${path ?? "/usr/local/bin:/usr/bin:/bin"}`],
        ["ACCEPTUTILS_HOME", seen],
        ...readEnvironment(join(folder, name, "env")),
      ]);
      return [{ name, script, env, listener: listener && { ...listener, tls } }];
    } catch (error) {
      if (codeOf(error) === "") throw error;
      return [];
    }
  });
  return { home, installation, services };
}

function rank(name: string): number {
  return name === "queue" ? -1 : [...listening.keys()].indexOf(name) >>> 0; // those we do not know come last
}

/** A folder of variables, one file each; the first line counts, and NUL stands for LF. Source: envdir(8) */
export function readEnvironment(folder: string): ReadonlyMap<string, string> {
  const files = statSync(folder, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(folder);
  return new Map(
    files
      .filter((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      .map((name) => {
        const [line = ""] = readFileSync(join(folder, name), "latin1").split("\n", 1);
        return [name, line.replace(/[ \t]+$/, "").replaceAll("\0", "\n")];
      }),
  );
}
