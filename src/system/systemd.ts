/** What a service manager gives a server, and wants to be told. Source: sd_listen_fds(3), sd_notify(3) */
import { closeSync, fstatSync, writeSync } from "node:fs";
import { sendDatagram } from "./native.ts";

const firstDescriptor = 3;

/**
 * The listening socket that the service manager opened for this process; undefined when it opened none. The variables
 * are removed: they are for nobody else.
 */
export function takeActivated(env: Map<string, string>, pid: number): number | undefined {
  const [count, whose] = [env.get("LISTEN_FDS"), env.get("LISTEN_PID")];
  for (const name of ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"]) env.delete(name);
  return whose === String(pid) && count !== undefined && /^[1-9]\d*$/.test(count)
    ? firstDescriptor
    : undefined;
}

/** For s6, where descriptor 1 is a log: the one that its `notification-fd` names. */
const descriptorVariable = "ACCEPTUTILS_NOTIFY_FD";

/**
 * Takes NOTIFY_SOCKET and ACCEPTUTILS_NOTIFY_FD from the environment; the result says once that clients are served:
 * READY=1 there, a line end here, or nothing to nobody. Throws when the descriptor is none.
 */
export function takeNotifier(env: Map<string, string>): () => void {
  const socket = env.get("NOTIFY_SOCKET") ?? "";
  const descriptor = descriptorIn(env.get(descriptorVariable));
  env.delete("NOTIFY_SOCKET");
  env.delete(descriptorVariable);
  return () => {
    if (descriptor !== undefined) {
      writeSync(descriptor, "\n");
      closeSync(descriptor);
    }
    if (!/^[/@]/.test(socket)) return;
    try {
      sendDatagram(socket, Buffer.from("READY=1"));
    } catch {
      // Nobody is listening: the service is as ready as before.
    }
  };
}

function descriptorIn(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    if (!/^\d{1,9}$/.test(text)) throw new RangeError("no number");
    fstatSync(Number(text));
    return Number(text);
  } catch (error) {
    throw new Error(`${descriptorVariable}: "${text}" is no open descriptor`, { cause: error });
  }
}
