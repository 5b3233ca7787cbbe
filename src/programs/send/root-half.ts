/**
 * qmail-send as root: two halves. This one stays root, reads users/passwd, and starts qmail-local as the user and
 * qmail-remote as qmailr; it sees no message. The other one, which runs as qmailq, has the queue and does the rest.
 */

import { once } from "node:events";
import { closeSync } from "node:fs";
import { join } from "node:path";
import { readAccounts } from "../../control/accounts.ts";
import { homeFromWithin } from "../../system/home/reach.ts";
import * as native from "../../system/native.ts";
import { startOurs } from "../../system/our-program.ts";
import { agentLock } from "../../system/queue/lock.ts";
import { Channel, channelPair, closeEnd, type Received } from "../../system/resident/channel.ts";
import { restWhenIdle } from "../../system/rest.ts";
import { onSignal } from "../../system/signals.ts";
import { connectionOf } from "../../system/stream.ts";
import type { Input, Output, System } from "../../system/system.ts";
import type { Agents, Mailbox } from "./agents.ts";
import { exit } from "./exit.ts";
import { findMailbox } from "./own-agents.ts";

/** The argument by which the half that has the queue knows what it is. */
export const queueHalf = "--queue-half";

/** Its descriptors for the channel to root. */
const channelDescriptors = { stream: 3, packets: 4 } as const;

/** Runs both halves until one ends, or until `gone` resolves. Returns the exit code of the other half. */
export async function runRootHalf(system: System, gone?: Promise<void>): Promise<number> {
  restWhenIdle();
  const accounts = await readAccounts(system);
  const queue = accounts.get("qmailq");
  if (queue === undefined) {
    system.log("alert: cannot start: users/accounts has no qmailq; acceptutils init makes it");
    return exit.temporary;
  }
  const env = Object.fromEntries(system.env);
  const [ours, theirs] = channelPair();
  const child = await startOurs({
    name: "qmail-send",
    args: [queueHalf],
    env,
    descriptors: ["ignore", "ignore"],
    more: [theirs.stream, theirs.packets],
    account: queue,
    // SQLite makes every path a full one, and the full path of such a home is closed to all but root.
    later: system.home() === homeFromWithin,
  });
  closeEnd(theirs);
  const channel = new Channel(ours);
  void gone?.then(() => channel.close());
  const remote = accounts.get("qmailr");
  channel.onMessage = (question) => {
    void answer(system, channel, question, env, remote).catch((error: Error) => {
      system.log(`warning: ${error.message}`);
      channel.reply(question, { failed: error.message });
    });
  };
  for (const signal of ["SIGTERM", "SIGHUP", "SIGALRM"] as const) onSignal(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  channel.close();
  return code ?? exit.temporary;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** What the other half may ask: who a user is, and for a process as that user or as qmailr. Nothing else. */
async function answer(
  system: System,
  channel: Channel,
  question: Received,
  env: Readonly<Record<string, string>>,
  remote: Account | undefined,
): Promise<void> {
  const { kind, name } = question.head;
  const mailbox = typeof name === "string" ? await findMailbox(system, name) : undefined;
  if (kind === "find") {
    channel.reply(question, { mailbox });
    return;
  }
  const account = kind === "local" ? mailbox : kind === "remote" ? remote : undefined;
  if (account === undefined) {
    channel.reply(question, { failed: `no account for ${kind}` });
    return;
  }
  const lock = agentLock(join(system.home(), "queue"));
  const [ours, theirs] = native.socketPair();
  const { uid, gid } = account;
  try {
    const program = kind === "local" ? "qmail-local" : "qmail-remote";
    await startOurs({ name: program, env, descriptors: [ours, ours], more: [lock], account: { uid, gid } });
  } catch (error) {
    closeSync(theirs);
    throw error;
  } finally {
    closeSync(ours);
    closeSync(lock);
  }
  channel.reply(question, {}, undefined, [theirs]);
}

/** The half that has the queue: gives up what it does not need, and asks root for the rest. */
export function agentsOfRoot(): { agents: Agents; over: Promise<void> } {
  native.forbidNewPrivileges();
  native.hideMemory();
  const channel = new Channel(channelDescriptors);
  const over = new Promise<void>((resolve) => {
    channel.onClose = resolve;
  });
  const ask = async (head: { kind: string; name?: string }): Promise<Received> => {
    const reply = await channel.ask(head);
    const failed = reply === undefined ? "qmail-send's root half is gone" : reply.head["failed"];
    if (reply === undefined || failed !== undefined) throw new Error(String(failed));
    return reply;
  };
  const start = async (head: { kind: string; name?: string }): Promise<{ input: Input; output: Output }> => {
    const [fd] = (await ask(head)).descriptors;
    if (fd === undefined) throw new Error("no descriptor came");
    return connectionOf(fd);
  };
  return {
    over,
    agents: {
      find: async (name) => (await ask({ kind: "find", name })).head["mailbox"] as Mailbox | undefined,
      startLocal: ({ name }) => start({ kind: "local", name }),
      startRemote: () => start({ kind: "remote" }),
    },
  };
}
