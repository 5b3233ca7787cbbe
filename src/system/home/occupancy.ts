/** One service for one home folder: who runs it listens on a socket in the folder, which ends when he does. */
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { codeOf } from "../system.ts";

/** Somebody runs the service of this folder already. */
export class Occupied extends Error {
  override readonly name = "Occupied";
  /** The process that runs it, when it tells. */
  readonly pid: number | undefined;

  constructor(home: string, pid: number | undefined) {
    super(`${home} is running already`);
    this.pid = pid;
  }
}

/** What sockaddr_un(7) has room for; the queue's socket is at HOME/queue/socket. */
export const longestHome = 107 - "/queue/socket".length;

/** Milliseconds for the one who has the folder to say who it is. */
const mostWaited = 1000;

/** Takes the folder, until `release` or our end. Throws Occupied. */
export async function occupy(home: string): Promise<{ release(): void }> {
  const path = join(home, "service", ".up");
  for (let attempt = 0; ; attempt++) {
    const server = createServer((socket) => {
      socket.on("error", () => {}).end(`${process.pid}\n`);
      socket.unref();
    });
    try {
      await listening(server, path);
      return {
        release: () => {
          server.close(); // and so the file is gone
        },
      };
    } catch (error) {
      if (codeOf(error) !== "EADDRINUSE") throw error;
      const { there, pid } = await whoAnswers(path);
      if (attempt > 0 || there) throw new Occupied(home, pid);
      rmSync(path, { force: true }); // left by one that was killed
    }
  }
}

async function listening(server: Server, path: string): Promise<void> {
  server.listen(path);
  await once(server, "listening");
  server.unref();
}

/** Who listens on the socket at `path`: its process number, unless it is too busy to say. */
async function whoAnswers(path: string): Promise<{ there: boolean; pid?: number | undefined }> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
  } catch {
    socket.destroy();
    return { there: false };
  }
  try {
    const [text] = (await once(socket, "data", { signal: AbortSignal.timeout(mostWaited) })) as [Buffer];
    const pid = /^(\d{1,10})\n$/.exec(text.toString("latin1"))?.[1];
    return { there: true, pid: pid === undefined ? undefined : Number(pid) };
  } catch {
    return { there: true };
  } finally {
    socket.destroy();
  }
}
