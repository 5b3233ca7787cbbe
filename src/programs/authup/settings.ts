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

/** What stands in control files, for all sessions. */
interface Files {
  readonly greeting: string;
  readonly timeoutSeconds: number;
  readonly capabilities: readonly string[];
  /** The file of capabilities names what authup offers by itself. */
  readonly passedOver: boolean;
  /** What control/authmechanisms names. */
  readonly named: readonly string[] | undefined;
}

async function readFiles(system: System, { name, timeoutFile }: Options["protocol"]): Promise<Files> {
  const greeting = await readLineOrMe(system, `${name}greeting`);
  if (greeting === undefined) throw new CannotOpen("control/me", "ENOENT");
  // Strangers get less patience than users: design, limits. control/timeoutauth has the last word.
  const patience = Math.max(1, await readInteger(system, "timeoutauth", 60));
  const timeoutSeconds = Math.min(patience, await readTimeout(system, timeoutFile));
  const lines = await readList(system, `${name}capabilities`);
  if (lines === undefined) throw new CannotOpen(`control/${name}capabilities`, "ENOENT");
  const capabilities = lines.map((line) => line.replace(/\r$/, "")).filter((line) => !ours[name].test(line));
  const mechanisms = (await readList(system, "authmechanisms"))?.map((line) => line.replace(/\r$/, ""));
  const named = mechanisms?.map((line) => line.toUpperCase()).filter(isMechanism);
  return {
    greeting,
    timeoutSeconds,
    capabilities,
    passedOver: capabilities.length < lines.length,
    named: named && [...new Set(named)],
  };
}

/** Reads control/NAMEgreeting (else me), the timeouts and NAMEcapabilities. Throws CannotOpen, also for a missing one. */
export async function readSettings(
  system: System,
  { protocol, tries, argv: [checkpassword = ""] }: Options,
  tls: TlsLevel,
): Promise<Read> {
  const { name } = protocol;
  const files = await system.settings(`authup ${name}`, () => readFiles(system, protocol));
  const { greeting, timeoutSeconds, capabilities, passedOver, named } = files;
  if (passedOver) {
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
      // As far as checkpassword can do it: ours can be talked with.
      mechanisms:
        named === undefined ? usualMechanisms : doable(named, system.ours(checkpassword) === "checkpassword"),
      channel: takeChannel(system.env),
      brokenClients: system.env.has("AUTHUP_SASL_BROKEN_CLIENTS"),
      client: clientOf(system.env),
      stamp: name === "smtp" ? "" : `<${system.pid}.${Math.floor(system.now() / 1000)}@${greeting}>`,
      showStamp: system.env.has("ACCEPTUTILS_POP3_STAMP"),
    },
    timeoutSeconds,
  };
}

/** The client's address as the server found it; empty for anything that is none. tcp-environ(5) */
function clientOf(env: ReadonlyMap<string, string>): string {
  const address = (env.get("PROTO") === "TCP6" && env.get("TCP6REMOTEIP")) || env.get("TCPREMOTEIP") || "";
  return /^[0-9A-Fa-f.:]{2,45}$/.test(address) ? address : "";
}
