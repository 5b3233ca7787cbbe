import { closeSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import { readUsers } from "../../control/users.ts";
import { startOurs } from "../../system/our-program.ts";
import { agentLock } from "../../system/queue/lock.ts";
import { StreamInput, StreamOutput } from "../../system/stream.ts";
import { CannotOpen, type Input, type Output, type System } from "../../system/system.ts";
import type { Agents, Mailbox } from "./agents.ts";

/** A user of users/passwd as somebody with a mailbox; undefined when there is none, or it is root. */
export async function findMailbox(system: System, name: string): Promise<Mailbox | undefined> {
  try {
    const user = (await readUsers(system)).get(name);
    if (user === undefined || user.uid === 0 || user.home === "") return undefined;
    return { name, uid: user.uid, gid: user.gid, home: resolve(system.home(), user.home) };
  } catch (error) {
    if (error instanceof CannotOpen && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Without root: every process is ours, and so is every mailbox. */
export function ownAgents(system: System): Agents {
  const start = async (name: string): Promise<{ input: Input; output: Output }> => {
    const env = Object.fromEntries(system.env);
    const lock = agentLock(join(system.home(), "queue"));
    const child = await startOurs({ name, env, descriptors: ["pipe", "pipe"], more: [lock] }).finally(() =>
      closeSync(lock),
    );
    return {
      input: new StreamInput(child.stdout as Readable),
      output: new StreamOutput(child.stdin as Writable),
    };
  };
  return {
    find: (name) => findMailbox(system, name),
    startLocal: () => start("qmail-local"),
    startRemote: () => start("qmail-remote"),
  };
}
