/** Our whole service, up while it is looked at, and gone afterwards, however that ends. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newGroup } from "../measure/group.ts";
import { titleOf } from "../measure/processes.ts";
import { endLoad, type Served } from "../measure/sample.ts";
import { startOurs } from "../peers/ours.ts";

export interface Service extends Served {
  /** Of the figure's own: for recordings, with the log in it. It goes with the service. */
  readonly folder: string;
}

export interface How {
  /** For Node.js: for the master and all that it starts. */
  readonly flags?: readonly string[];
  /** The words that run it, where something is to see it start. May use `folder`. */
  readonly under?: (folder: string) => readonly string[];
}

/** Starts the service, and ends it after `use`. */
export async function withService<Result>(
  { flags = [], under }: How,
  use: (service: Service) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "acceptutils-profile-"));
  chmodSync(folder, 0o755);
  const [group, helpers] = [newGroup(), newGroup()];
  const clear = async () => {
    endLoad();
    await Promise.all([group.end(), helpers.end()]);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const interrupted = () => void clear().then(() => process.exit(130));
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, interrupted);
  try {
    const running = await startOurs({ folder, group, helpers }, flags, under?.(folder));
    return await use({ ...running, group, folder });
  } finally {
    await clear();
    for (const signal of signals) process.off(signal, interrupted);
  }
}

/** A process by what it does in the service: `front`, `tls`, `user`, `qmail-send`. */
export const roleOf = (pid: number) => roleIn(titleOf(pid));

/** The same, of a title as `ps` shows it. */
export function roleIn(title: string): string {
  const role = title.replace(/^(acceptutils: |app\.cjs (worker )?)/, "");
  if (role === "acceptutils up") return "master";
  if (role.startsWith("sh ")) return "sh";
  return role.startsWith("user ") ? "user" : role;
}
