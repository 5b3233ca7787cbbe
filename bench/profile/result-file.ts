import { join } from "node:path";

/** Where the profile of a figure is written: bench/results/profile-FIGURE.svg, or .md. */
export const resultFile = (figure: string, ending: "svg" | "md") =>
  join(import.meta.dirname, "..", "results", `profile-${figure.replaceAll(" ", "-")}.${ending}`);
