/** What authup reads before it greets: control files and the environment. */
import { readInteger, readLineOrMe, readList, readTimeout } from "../../control/control.ts";
import type { Settings } from "../../protocol/authup/session.ts";
import { doable, isMechanism, usualMechanisms } from "../../protocol/sasl/mechanisms.ts";
import type { TlsLevel } from "../../protocol/ucspi-tls/level.ts";
import { CannotOpen, type System } from "../../system/system.ts";
import { takeChannel } from "./channel.ts";
import type { Options } from "./options.ts";

/** The settings of one session, and how long its client may stay silent before it is known, in seconds. */
export interface Read {
  readonly settings: Settings;
  readonly timeoutSeconds: number;
}

/** Lines of smtpcapabilities and pop3capabilities that authup says by itself, when they are true. */
const ours = {
  smtp: /^(?:AUTH|STARTTLS)(?:[ =]|$)/i,
  pop3: /^(?:STLS|USER|SASL .*|(?:AUTH-)?RESP-CODES?)$/i,
} as const;

/** Reads control/NAMEgreeting (else me), the timeouts and NAMEcapabilities. Throws CannotOpen, also for a missing one. */
export async function readSettings(
  system: System,
  { protocol: { name, timeoutFile }, tries, argv }: Options,
  tls: TlsLevel,
): Promise<Read> {
  const greeting = await readLineOrMe(system, `${name}greeting`);
  if (greeting === undefined) throw new CannotOpen("control/me", "ENOENT");
  // Strangers get less patience than users: design, limits. control/timeoutauth has the last word.
  const patience = Math.max(1, await readInteger(system, "timeoutauth", 60));
  const timeoutSeconds = Math.min(patience, await readTimeout(system, timeoutFile));
  const lines = await readList(system, `${name}capabilities`);
  if (lines === undefined) throw new CannotOpen(`control/${name}capabilities`, "ENOENT");
  const capabilities = lines.map((line) => line.replace(/\r$/, "")).filter((line) => !ours[name].test(line));
  if (capabilities.length < lines.length) {
    system.log(`authup ${system.pid} control/${name}capabilities: passed over what authup offers by itself`);
  }
  return {
    settings: {
      greeting,
      capabilities,
      tls,
      canStartTls: tls !== "unavailable" && system.canStartTls(),
      tries,
      showAuthBeforeTls: system.env.has("ACCEPTUTILS_AUTH_BEFORE_TLS"),
      mechanisms: await readMechanisms(system, argv),
      channel: takeChannel(system.env),
      brokenClients: system.env.has("AUTHUP_SASL_BROKEN_CLIENTS"),
      client: clientOf(system.env),
      stamp: name === "smtp" ? "" : `<${system.pid}.${Math.floor(system.now() / 1000)}@${greeting}>`,
      showStamp: system.env.has("ACCEPTUTILS_POP3_STAMP"),
    },
    timeoutSeconds,
  };
}

/**
 * What control/authmechanisms names, as far as checkpassword can do it: ours can be talked with. Throws CannotOpen.
 */
async function readMechanisms(
  system: System,
  [checkpassword = ""]: readonly string[],
): Promise<readonly string[]> {
  const lines = await readList(system, "authmechanisms");
  if (lines === undefined) return usualMechanisms;
  const named = lines.map((line) => line.replace(/\r$/, "").toUpperCase()).filter(isMechanism);
  return doable([...new Set(named)], system.ours(checkpassword) === "checkpassword");
}

/** The client's address as the server found it; empty for anything that is none. tcp-environ(5) */
function clientOf(env: ReadonlyMap<string, string>): string {
  const address = (env.get("PROTO") === "TCP6" && env.get("TCP6REMOTEIP")) || env.get("TCPREMOTEIP") || "";
  return /^[0-9A-Fa-f.:]{2,45}$/.test(address) ? address : "";
}
