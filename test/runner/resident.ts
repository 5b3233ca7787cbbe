/** The resident host: sessions in a long-lived worker, one after the other, as a server's worker has them. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Ended } from "../../src/system/system.ts";
import { type Case, root } from "./case.ts";
import type { Folder } from "./folder.ts";
import { type Host, offersTls, type Playing, uidFor } from "./host.ts";
import { Family } from "./idle.ts";
import { Line } from "./line.ts";
import { tryKill } from "./native.ts";

/** What the worker is told, and what it says. */
export interface Task {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** UNIX sockets to connect to: the client; the TLS server's control socket and its clear side. */
  readonly client?: string;
  readonly control?: string;
  readonly inside?: string;
  readonly qq?: { readonly message: string; readonly envelope: string };
  /** The program is spawned by another, with these octets on descriptor 3; null: without it. */
  readonly fd3?: string | null;
}
export type News = { readonly log: string } | { readonly ended: Ended };

/** A host whose worker is started at the first case, and again after a case that did not end. */
export function residentHost(): Host {
  const workers = new Map<number, ChildProcess>();
  const workerFor = (uid: number) => {
    const there = workers.get(uid);
    if (there?.connected) return there;
    const worker = fork(join(root, "test", "runner", "worker.ts"), [], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
      ...(uid === process.getuid?.() ? {} : { uid, gid: uid }),
    });
    worker.on("error", () => {});
    workers.set(uid, worker);
    return worker;
  };
  return {
    name: "resident",
    start: (played, folder) => start(played, folder, workerFor(uidFor(played) ?? process.getuid?.() ?? 0)),
    close: async () => {
      for (const worker of workers.values()) {
        if (!worker.connected) continue; // it was given up, and killed
        const gone = once(worker, "exit");
        worker.disconnect();
        tryKill(worker.pid!);
        await gone;
      }
    },
  };
}

async function start(played: Case, folder: Folder, worker: ChildProcess): Promise<Playing> {
  const at = (name: string) => join(folder.path, name);
  const withTls = offersTls(played);
  const client = played.qq === undefined ? await listen(at("client")) : undefined;
  const control = withTls ? await listen(at("control")) : undefined;
  const inside = withTls ? await listen(at("inside")) : undefined;
  let log = "";
  let ended: Ended | undefined;
  const news = (item: News) => {
    if ("log" in item) log += item.log + "\n";
    else ended = item.ended;
  };
  worker.on("message", news);
  const task: Task = {
    argv: played.argv,
    env: folder.env,
    cwd: folder.home,
    ...(client === undefined ? {} : { client: at("client") }),
    ...(withTls ? { control: at("control"), inside: at("inside") } : {}),
    ...(played.qq === undefined ? {} : { qq: played.qq }),
  };
  worker.send(task);
  const waiting = new AbortController();
  const gone = once(worker, "exit", { signal: waiting.signal }).then(
    () => undefined,
    () => undefined, // no longer waited for
  );
  const line = await Promise.race([client?.connected, gone]);
  waiting.abort();
  const family = new Family(worker.pid!);
  return {
    client: line,
    tls:
      control === undefined || inside === undefined
        ? undefined
        : { control: control.line, inside: inside.line },
    family,
    ended: () => ended,
    log: () => log,
    stop: async () => {
      worker.off("message", news);
      for (const pid of family.living()) {
        // A worker whose session did not end is not fit for the next.
        if (pid !== worker.pid) tryKill(pid);
        else if (ended === undefined) {
          worker.disconnect();
          tryKill(pid);
        }
      }
      for (const end of [client, control, inside]) end?.close();
    },
  };
}

interface Listening {
  readonly connected: Promise<Line>;
  line(): Line | undefined;
  close(): void;
}

/** A UNIX socket that takes one connection. */
async function listen(path: string): Promise<Listening> {
  const { promise, resolve } = Promise.withResolvers<Line>();
  let line: Line | undefined;
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    server.close();
    line = Line.of(socket);
    resolve(line);
  });
  server.listen({ path, readableAll: true, writableAll: true }); // the worker may be somebody else
  await once(server, "listening");
  return {
    connected: promise,
    line: () => line,
    close: () => {
      line?.close();
      server.close();
    },
  };
}
