/** The floor of all floors: bare-c.c, compiled as it starts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { selfSigned } from "../../src/system/home/certificate.ts";
import { compile, noCompiler } from "../contender/compile.ts";
import { type Contender, domain, type Place, type Running, receiving } from "../contender/contender.ts";
import { answered, startServer } from "../contender/serve.ts";
import type { Group } from "../measure/group.ts";

export const bareC: Contender = {
  name: "limit",
  kind: "floor",
  quick: true,
  promise: "a sink in C: on disk, one flush a turn; it parses nothing",
  missing: noCompiler,
  start: async (place): Promise<Running> => {
    const port = await startSink(place, place.group, join(place.folder, "messages"));
    answered(place);
    return receiving(port, port);
  },
};

/** Starts the sink in this group; `file` takes the messages, "-" keeps none. Returns its port. */
export async function startSink(place: Place, group: Group, file: string): Promise<number> {
  const program = join(place.folder, "bare-c");
  compile(program, [join(import.meta.dirname, "bare-c.c")]);
  const pem = join(place.folder, "sink.pem");
  writeFileSync(pem, selfSigned({ names: [domain], now: new Date() }), { mode: 0o600 });
  const child = startServer(place, [program, pem, file], { group, log: "sink.log" });
  const line = await createInterface({ input: child.stdout! })[Symbol.asyncIterator]().next();
  if (line.done) throw new Error("the sink did not come up");
  return Number(line.value);
}
