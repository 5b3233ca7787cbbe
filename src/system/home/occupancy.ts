/** One service for one home folder: who runs it listens on a socket in the folder, which ends when he does. */
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { codeOf } from "../system.ts";

/** Somebody runs the service of this folder already. */
export class Occupied extends Error {
  override readonly name = "Occupied";
}

/** What sockaddr_un(7) has room for; the queue's socket is at HOME/queue/socket. */
export const longestHome = 107 - "/queue/socket".length;

/** Takes the folder, until `release` or our end. Throws Occupied. */
export async function occupy(home: string): Promise<{ release(): void }> {
  const path = join(home, "service", ".up");
  for (let attempt = 0; ; attempt++) {
    const server = createServer((socket) => socket.destroy());
    try {
      await listening(server, path);
      return {
        release: () => {
          server.close(); // and so the file is gone
        },
      };
    } catch (error) {
      if (codeOf(error) !== "EADDRINUSE") throw error;
      if (attempt > 0 || (await answers(path))) throw new Occupied(`${home} is running already`);
      rmSync(path, { force: true }); // left by one that was killed
    }
  }
}

async function listening(server: Server, path: string): Promise<void> {
  server.listen(path);
  await once(server, "listening");
  server.unref();
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
