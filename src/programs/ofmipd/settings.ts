/** What ofmipd takes from its environment and control files. ofmipd(8) */
import { readLineOrMe, readList } from "../../control/control.ts";
import { dataBytesIn, readDataBytes } from "../../control/databytes.ts";
import {
  defaultHostRules,
  type HostRules,
  parseHostRules,
  rewriteHost,
} from "../../protocol/message-header/rewrite-host.ts";
import type { System } from "../../system/system.ts";

export interface Settings {
  readonly rules: HostRules;
  /** The host in the Message-IDs we make. */
  readonly idHost: string;
  /** A message may have so many octets; 0: no limit. */
  readonly maximumOctets: number;
}

/** Throws CannotOpen. */
export async function readSettings(system: System): Promise<Settings> {
  /** A word that stands for itself is better than a message that cannot be sent. */
  const setting = async (variable: string, file: string, otherwise: string) =>
    system.env.get(variable) ?? (await readLineOrMe(system, file)) ?? otherwise;
  const lines = await readList(system, "rewrite");
  const rules =
    lines === undefined
      ? defaultHostRules(
          await setting("QMAILDEFAULTHOST", "defaulthost", "DEFAULTHOST"),
          await setting("QMAILPLUSDOMAIN", "plusdomain", "PLUSDOMAIN"),
          await setting("QMAILDEFAULTDOMAIN", "defaultdomain", "DEFAULTDOMAIN"),
        )
      : parseHostRules(lines);
  const idHost = rewriteHost(await setting("QMAILIDHOST", "idhost", "IDHOST"), rules);
  return { rules, idHost, maximumOctets: dataBytesIn(system.env) ?? (await readDataBytes(system)) };
}
