/**
 * What every worker process does first: load, join the master's channel, and give up what it must not be able to do,
 * before it sees a byte from the network. Then its kind decides.
 */

import { closeSync } from "node:fs";
import * as native from "../native.ts";
import { restWhenIdle } from "../rest.ts";
import type { Programs } from "../system.ts";
import { Channel } from "./channel.ts";
import type { WorkerFacts } from "./service.ts";

/** The channel to the master, in every worker. */
const masterEnd = { stream: 3, packets: 4 };

/** OpenSSL's configuration, in the TLS process. */
const opensslConfig = 5;

type Work = (master: Channel, programs: Programs) => unknown;

/** Each kind loads what it needs and no more: TLS alone is 4 MB. */
const kinds: Record<WorkerFacts["kind"], () => Promise<Work>> = {
  tls: async () => (await import("./tls-worker.ts")).tlsWorker,
  front: async () => (await import("./front-worker.ts")).frontWorker,
  listener: async () => (await import("./listener-worker.ts")).listenerWorker,
  auth: async () => (await import("./auth-worker.ts")).authWorker,
  user: async () => (await import("./user-worker.ts")).userWorker,
  helper: async () => (await import("../c-library/helpers.ts")).helperWorker,
};

/** Runs this process as a worker until its master is gone. */
export async function runWorker(programs: Programs): Promise<void> {
  const facts = JSON.parse(process.env["ACCEPTUTILS_WORKER"] ?? "{}") as WorkerFacts;
  delete process.env["ACCEPTUTILS_WORKER"];
  process.title = facts.title;
  // A terminal's Ctrl-C is for the master, who lets sessions end.
  for (const signal of ["SIGINT", "SIGHUP", "SIGQUIT"] as const) process.on(signal, () => {});
  // Our files may be out of reach for who we become.
  const work = await kinds[facts.kind]();
  const master = new Channel(masterEnd);
  master.onClose = () => native.exitNow(0);
  giveUp(facts);
  if (facts.kind === "tls") closeSync(opensslConfig); // OpenSSL has read it
  restWhenIdle();
  void work(master, programs);
}

/** Order matters: after chroot no name resolves, after setgid groups cannot change, after setuid nothing can. */
function giveUp({ kind, uid, gid, groups = [], user, chroot }: WorkerFacts): void {
  if (process.getuid!() === 0 && uid !== undefined && gid !== undefined) {
    if (user === undefined || !native.joinGroupsOf(user, gid)) process.setgroups!([gid, ...groups]);
    if (chroot !== undefined) {
      native.chroot(chroot);
      process.chdir("/");
    }
    process.setgid!(gid);
    process.setuid!(uid);
  }
  const knowsSecrets = kind === "auth" || kind === "helper";
  // These start other people's checkpasswords and PAM modules, which may need what we forbid here.
  if (!knowsSecrets) native.forbidNewPrivileges();
  if (kind === "tls" || knowsSecrets) native.hideMemory();
}
