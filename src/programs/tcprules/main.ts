/** Compiles rules for tcpserver and sslserver. tcprules(8) */
import { resolve } from "node:path";
import { cdbBytes } from "../../protocol/cdb/cdb.ts";
import { BadRule, compileRules } from "../../protocol/ucspi/rules.ts";
import { CannotPut, putFile } from "../../system/put-file.ts";
import type { Input, System } from "../../system/system.ts";

export const exit = { misused: 100, badRule: 100, temporary: 111 };

const usage = "tcprules: usage: tcprules rules.cdb rules.tmp";

/** Reads rules from descriptor 0. The cdb is replaced as a whole, or stays as it was. */
export async function main([cdb, temporary]: readonly string[], system: System): Promise<number> {
  const say = (line: string, code: number) => {
    system.log(line);
    return code;
  };
  if (cdb === undefined || temporary === undefined) return say(usage, exit.misused);
  try {
    const records = compileRules(await wholeText(system.input(0)));
    putFile(resolve(system.cwd(), cdb), resolve(system.cwd(), temporary), cdbBytes(records));
    return 0;
  } catch (error) {
    if (error instanceof BadRule) return say(`tcprules: ${error.message}`, exit.badRule);
    if (error instanceof CannotPut) return say(`tcprules: fatal: ${error.message}`, exit.temporary);
    throw error;
  }
}

async function wholeText(input: Input): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await input.read(); chunk !== null; chunk = await input.read()) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}
