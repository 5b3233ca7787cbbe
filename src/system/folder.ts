import { readdirSync } from "node:fs";
import { join } from "node:path";
import { CannotOpen, codeOf } from "./system.ts";

/** The paths of the files in `folder` whose names end with `ending`, sorted. Throws CannotOpen. */
export function filesIn(folder: string, ending: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile() && entry.name.endsWith(ending));
    return names.map(({ name }) => join(folder, name)).sort();
  } catch (error) {
    throw new CannotOpen(folder, codeOf(error), { cause: error });
  }
}
