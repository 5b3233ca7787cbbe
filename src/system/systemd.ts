/** What a service manager gives a server, and wants to be told. Source: sd_listen_fds(3), sd_notify(3) */
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

/** Takes NOTIFY_SOCKET from the environment; the result says `READY=1` and the like there, or nothing to nobody. */
export function takeNotifier(env: Map<string, string>): (state: string) => void {
  const socket = env.get("NOTIFY_SOCKET") ?? "";
  env.delete("NOTIFY_SOCKET");
  if (!/^[/@]/.test(socket)) return () => {};
  return (state) => {
    try {
      sendDatagram(socket, Buffer.from(state));
    } catch {
      // Nobody is listening: the service is as ready as before.
    }
  };
}
