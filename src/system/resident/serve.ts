/**
 * How a server's process comes to its workers. Under `acceptutils up` there is a master already: the service is
 * registered with it and this process becomes a `cat` that holds the registration and copies the log. Alone, this
 * process is the master itself.
 */
import { closeSync, readFileSync } from "node:fs";
import { homeFromWithin } from "../home/reach.ts";
import * as native from "../native.ts";
import type { System } from "../system.ts";
import { alone, type Start } from "./alone.ts";
import { type Master, takeMaster } from "./master.ts";
import type { Service } from "./service.ts";
import { filesOf } from "./tls-policy.ts";

/** Serves until SIGTERM; resolves to the exit code. Throws when the certificate cannot be used. */
export async function serve(service: Service, start: Start, system: System): Promise<number> {
  checkCertificate(service);
  const master = takeMaster(system.env);
  const own = { ...service, cwd: fromWithin(service), env: withoutPool(service.env) };
  if (service.native) {
    const { serveNatively } = await import("../native-server.ts");
    return serveNatively(own, start, master, system);
  }
  if (master !== undefined) return register(own, start, master);
  return alone(own, start, system);
}

/** The files are read again by whoever gives them to the TLS process; what is wrong is better said before. */
function checkCertificate({ tls, certificate }: Service): void {
  if (tls === "none") return;
  if (certificate === undefined)
    throw new Error("CERTFILE is not set: it names the file with certificate and key");
  for (const file of filesOf(certificate)) {
    try {
      readFileSync(file).fill(0);
    } catch (error) {
      throw new Error(`unable to load certificate: ${(error as Error).message}`, { cause: error });
    }
  }
}

async function register(
  service: Service,
  { fd, password, ready }: Start,
  { channel, stream }: Master,
): Promise<number> {
  // The stream outlives the channel: this process becomes `cat`, which reads log lines from it.
  const kept = native.duplicateFrom(stream, 20);
  const answer = await channel.ask({ kind: "register", service }, password, [fd]);
  if (answer === undefined) throw new Error("the master is gone");
  if (typeof answer.head["problem"] === "string") throw new Error(answer.head["problem"]);
  await ready();
  native.duplicateOnto(kept, 0);
  native.setBlocking(0);
  native.keepAcrossExec(0);
  closeSync(kept);
  process.execve!("/bin/cat", [service.server], {});
  return 111;
}

/** Where a home is seen from within, so is the folder a session starts in: its full path may be closed to it. */
function fromWithin({ env, cwd }: Service): string {
  return env["ACCEPTUTILS_HOME"] === homeFromWithin ? homeFromWithin : cwd;
}

/** What only the server reads. */
function withoutPool(env: Service["env"]): Service["env"] {
  const { ACCEPTUTILS_POOL: _, ACCEPTUTILS_HOST: __, ACCEPTUTILS_FRONTS: ___, ...rest } = env;
  return rest;
}
