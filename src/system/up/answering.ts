/** Whether a client would be answered. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** True when a server there greets. It is left with QUIT, so that the log does not show a client that broke off. */
export async function greets(host: string, port: number, inTls: boolean): Promise<boolean> {
  const socket = inTls ? connectTls({ host, port, rejectUnauthorized: false }) : connect({ host, port });
  const there = await happens(socket, "data");
  socket.end("QUIT\r\n");
  return there;
}

/** True when somebody listens on the socket at `path`. */
export async function accepts(path: string): Promise<boolean> {
  const socket = connect({ path });
  const there = await happens(socket, "connect");
  socket.end();
  return there;
}

async function happens(socket: Socket, event: "connect" | "data"): Promise<boolean> {
  try {
    await once(socket, event, { signal: AbortSignal.timeout(2000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.on("error", () => {});
    setTimeout(() => socket.destroy(), 500).unref();
  }
}
