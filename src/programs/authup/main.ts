import { takeTlsLevel } from "../../protocol/ucspi-tls/level.ts";
import { CannotOpen, Closed, type System } from "../../system/system.ts";
import { converse } from "./conversation.ts";
import { type Options, parseOptions } from "./options.ts";
import { readSettings } from "./settings.ts";

/** What authup exits with by itself; else with the code of the program that the session became. */
export const exit = { quit: 0, ended: 1, misused: 1 } as const;

/** Speaks SMTP or POP3 until a password was right, in front of prog, which serves the user. authup(8) */
export async function main(words: readonly string[], system: System): Promise<number> {
  const options = parseOptions(words);
  if ("wrong" in options) {
    options.wrong.forEach((line) => {
      system.log(line);
    });
    return exit.misused;
  }
  system.log(`authup ${system.pid} protocol ${options.protocol.name}`);
  try {
    return await serve(options, system);
  } catch (error) {
    if (error instanceof Closed) return exit.ended; // nobody is left to tell
    throw error;
  }
}

async function serve(options: Options, system: System): Promise<number> {
  const tls = takeTlsLevel(system.env);
  try {
    system.chdir(system.home());
    const identity = takeIdentity(system);
    const read = await readSettings(system, options, tls);
    if (identity !== undefined) await system.divide(identity, options.argv);
    return await converse(system, options, read);
  } catch (error) {
    if (!(error instanceof CannotOpen)) throw error;
    system.log(`authup ${system.pid} ${error.message}`);
    const reply = options.protocol.dialect.trouble("controls");
    await system.output(1).write(Buffer.from(`${reply}\r\n`, "latin1"));
    return exit.ended;
  }
}

/** AUTHUP_UID and AUTHUP_GID: who parses what the client says, where we are root; undefined: we stay who we are. */
function takeIdentity(system: System): { uid: number; gid: number } | undefined {
  const [uid, gid] = ["AUTHUP_UID", "AUTHUP_GID"].map((name) => {
    const text = system.env.get(name) ?? "";
    system.env.delete(name);
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  });
  if (uid === undefined || gid === undefined || system.uids().effective !== 0) return undefined;
  return { uid, gid };
}
