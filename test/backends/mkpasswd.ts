/** Hashes of crypt(3) as Debian's mkpasswd makes them. */
import { spawnSync } from "node:child_process";

const help = spawnSync("mkpasswd", ["-m", "help"], { encoding: "utf8" });

export const noMkpasswd = help.error === undefined ? false : "mkpasswd (Debian: whois) is not installed";

/** The names of all schemes that this machine's crypt(3) knows. */
export const schemes: readonly string[] = [...(help.stdout ?? "").matchAll(/^(\S+)\s{2,}\S/gm)].map(
  ([, name = ""]) => name,
);

export function cryptHash(password: string | Uint8Array, scheme = "md5crypt"): string {
  const { status, stdout, stderr } = spawnSync("mkpasswd", ["-s", "-m", scheme], { input: password });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout.toString("latin1").trim();
}
