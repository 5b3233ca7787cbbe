/** Who a user becomes of whom another program knows no ids or home: the settings of a control file fill in. */
import type { Account } from "../system/system.ts";
import { type Kind, kind, number, optional, text, Wrong } from "./settings-file.ts";

export interface VirtualAccountSettings {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** A path with %u (the name), %n (what is left of its @) and %d (what is right of it). */
  readonly home: string | undefined;
  readonly shell: string;
}

const template: Kind<string> = kind((value) => {
  const wrong = /%(?![und])|[\x00-\x1f\x7f]/.exec(value);
  if (wrong !== null) throw new Wrong("a path in which only %u, %n and %d are replaced", wrong.index);
  if (!value.startsWith("/")) throw new Wrong("a path that begins with /");
  return value;
});

/** An id other than root's. */
const id = optional(number(1, 4_294_967_294));

export const virtualAccountSettings = { uid: id, gid: id, home: optional(template), shell: text("/bin/sh") };

/** What another program says of a user. All text is latin1; what it does not say is undefined or empty. */
export interface KnownOf {
  readonly user: string;
  readonly uid?: string | undefined;
  readonly gid?: string | undefined;
  readonly home?: string | undefined;
  readonly shell?: string | undefined;
}

/** Nobody can be made of that: the message says what is missing, or wrong. */
export class NoAccount extends Error {
  override readonly name = "NoAccount";
}

/**
 * The account of a user; undefined for uid 0, and for a name that would lead out of the place for homes. Throws
 * NoAccount when an id or the home is nowhere to be had.
 */
export function virtualAccount(known: KnownOf, settings: VirtualAccountSettings): Account | undefined {
  const uid = idOf("uid", known.uid, settings.uid);
  const gid = idOf("gid", known.gid, settings.gid);
  if (uid === 0 || gid === 0) return undefined;
  const home = known.home || homeFor(known.user, settings.home);
  if (home === undefined) return undefined;
  if (!home.startsWith("/") || home.includes("\0"))
    throw new NoAccount(`the home of ${shown(known.user)} is no path`);
  return {
    user: textOf(known.user),
    uid,
    gid,
    home: textOf(home),
    shell: textOf(known.shell || settings.shell),
  };
}

function idOf(name: "uid" | "gid", said: string | undefined, otherwise: number | undefined): number {
  if (said === undefined || said === "") {
    if (otherwise === undefined) throw new NoAccount(`nobody says which ${name} users have: set ${name}`);
    return otherwise;
  }
  if (!/^\d{1,10}$/.test(said) || Number(said) > 4_294_967_294)
    throw new NoAccount(`${shown(said)} is no ${name}`);
  return Number(said);
}

function homeFor(user: string, template: string | undefined): string | undefined {
  if (template === undefined) throw new NoAccount("nobody says where users have their home: set home");
  const at = user.lastIndexOf("@");
  const parts = { u: user, n: at < 0 ? user : user.slice(0, at), d: at < 0 ? "" : user.slice(at + 1) };
  const used = [...template.matchAll(/%([und])/g)].map(([, letter]) => parts[letter as keyof typeof parts]);
  // One component of a path each, and no hidden one.
  if (used.some((part) => !/^[^./\0][^/\0]*$/.test(part))) return undefined;
  return template.replace(/%([und])/g, (_, letter: keyof typeof parts) => parts[letter]);
}

const shown = (text: string) => text.slice(0, 60).replace(/[^!-~]/g, "?");
/** What becomes a variable or a path is text, of the same octets in UTF-8. */
const textOf = (latin1: string) => Buffer.from(latin1, "latin1").toString("utf8");
