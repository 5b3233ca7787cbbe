/**
 * What a checkpassword became, as told by a few words of sh that it runs in place of the next program:
 *
 *     /proc/PID/status NUL working directory NUL /proc/PID/environ NUL
 *
 * Each variable of the environment ends with a NUL, so that the whole ends with two. Source: proc(5).
 */

/** An identity and its surroundings. All text is latin1. */
export interface Became {
  /** Real, effective, saved, file system. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly groups: readonly number[];
  readonly cwd: string;
  readonly env: ReadonlyMap<string, string>;
}

/**
 * What sh runs to tell it on descriptor 4: a number of one digit, which every sh takes. First it looks whether anybody
 * has read the password: a word such as env, run in the place of a checkpassword, lets everybody in.
 */
export const tell =
  '{ read -r unread <&3; } 2>/dev/null; [ -z "$unread" ] || { echo unread >&4; exit 111; }; ' +
  "exec >&4 && cat /proc/$$/status && printf '\\0%s\\0' \"$(pwd -P)\" && cat /proc/$$/environ && printf '\\0'";

/** No environment of a session is larger. */
export const maximumOctets = 1 << 17;

/** True when nothing is missing: whoever told it may still be there. */
export function isWhole(bytes: Uint8Array): boolean {
  return bytes.length > 2 && bytes.at(-1) === 0 && bytes.at(-2) === 0;
}

/** Undefined when that is not what was told. */
export function parseBecame(bytes: Uint8Array): Became | undefined {
  if (!isWhole(bytes)) return undefined;
  const [status = "", cwd = "", ...variables] = Buffer.from(bytes)
    .toString("latin1")
    .slice(0, -1)
    .split("\0");
  const numbers = (name: string) => {
    const [, list] = new RegExp(`^${name}:[ \\t]*([0-9 \\t]*)$`, "m").exec(status) ?? [];
    return list
      ?.split(/[ \t]+/)
      .filter((each) => each !== "")
      .map(Number);
  };
  const [uids, gids, groups] = ["Uid", "Gid", "Groups"].map(numbers);
  if (uids?.length !== 4 || gids?.length !== 4 || groups === undefined || !cwd.startsWith("/"))
    return undefined;
  const env = new Map<string, string>();
  for (const variable of variables) {
    const at = variable.indexOf("=");
    if (at > 0) env.set(variable.slice(0, at), variable.slice(at + 1));
  }
  return { uids, gids, groups, cwd, env };
}
