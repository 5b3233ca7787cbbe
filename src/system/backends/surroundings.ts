import { resolve } from "node:path";
import { readFileCached } from "../files.ts";
import type { System } from "../system.ts";

/** What a backend needs of the host it runs in. */
export type Surroundings = Pick<System, "home" | "readFile">;

/** The surroundings of a process that serves the home folder `home`. */
export function surroundingsOf(home: string): Surroundings {
  return { home: () => home, readFile: async (path) => readFileCached(path, resolve(home, path)) };
}
