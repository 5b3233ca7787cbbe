/** Both ends of a connection, as the kernel has them. */
import type { Socket } from "node:net";
import { type Ends, plainAddress } from "../../protocol/ucspi/environment.ts";

/** `localHost`: the name of this end, where it is known without asking. */
export function endsOf(socket: Socket, localHost: string | undefined): Ends {
  const local = plainAddress(socket.localAddress ?? "");
  const remote = plainAddress(socket.remoteAddress ?? "");
  return {
    family: remote.family,
    localIp: local.ip,
    localPort: socket.localPort ?? 0,
    remoteIp: remote.ip,
    remotePort: socket.remotePort ?? 0,
    localHost,
    scope: remote.scope,
  };
}
