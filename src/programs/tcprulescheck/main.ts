/** Says what rules do with a client. tcprules(8) */
import { BrokenCdb, Cdb } from "../../protocol/cdb/cdb.ts";
import { verdictOn } from "../../protocol/ucspi/rules.ts";
import { CannotOpen, type System } from "../../system/system.ts";

export const exit = { misused: 100, temporary: 111 };

const usage = "tcprulescheck: usage: tcprulescheck rules.cdb";

/** The client is that of TCPREMOTEIP, TCPREMOTEHOST and TCPREMOTEINFO. */
export async function main([file]: readonly string[], system: System): Promise<number> {
  if (file === undefined) {
    system.log(usage);
    return exit.misused;
  }
  try {
    const bytes = await system.readFile(file);
    if (bytes === undefined) throw new CannotOpen(file, "ENOENT");
    const cdb = new Cdb(bytes);
    const { env } = system;
    const client = { host: env.get("TCPREMOTEHOST"), info: env.get("TCPREMOTEINFO") };
    const ip = env.get("TCPREMOTEIP") ?? "";
    const { rule, deny, env: set } = verdictOn({ ip, ...client }, (key) => cdb.get(key));
    const lines = [rule === undefined ? "default:" : `rule ${rule}:`];
    for (const [name, value] of set) lines.push(`set environment variable ${name}=${value}`);
    lines.push(deny ? "deny connection" : "allow connection");
    await system.output(1).write(Buffer.from(lines.join("\n") + "\n", "latin1"));
    return 0;
  } catch (error) {
    if (!(error instanceof CannotOpen || error instanceof BrokenCdb)) throw error;
    const why = error instanceof CannotOpen ? error.message : `${file} is no cdb: ${error.message}`;
    system.log(`tcprulescheck: fatal: ${why}`);
    return exit.temporary;
  }
}
