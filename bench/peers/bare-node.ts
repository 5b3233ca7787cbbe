import type { Contender } from "../contender/contender.ts";
import { startScript } from "./node-process.ts";

/** The floor: what a server in Node.js costs that does nothing but answer. */
export const bareNode: Contender = {
  name: "bare Node.js",
  kind: "floor",
  compiles: true,
  quick: true,
  promise: "keeps nothing, parses nothing",
  missing: () => undefined,
  start: (place) => startScript("bare-node-process.ts", place),
};
