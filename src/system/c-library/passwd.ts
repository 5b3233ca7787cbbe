/** The system's accounts, wherever nsswitch.conf(5) has them: getpwnam_r(3), getspnam_r(3). */
import { accessSync, constants, readFileSync } from "node:fs";
import { codeOf } from "../system.ts";
import { cString, ffi, textIn } from "./memory.ts";

/** An entry of passwd(5). All text is latin1. */
export interface PasswdEntry {
  readonly name: string;
  readonly hash: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** The parts of an entry of shadow(5) that we look at. */
export interface ShadowEntry {
  readonly hash: string;
  /** Days since 1970 from which on the account cannot be used; undefined: never. */
  readonly expires: number | undefined;
}

interface NameService {
  getpwnam_r(name: Buffer, entry: Buffer, buffer: Buffer, length: bigint, result: Buffer): number;
  getspnam_r(name: Buffer, entry: Buffer, buffer: Buffer, length: bigint, result: Buffer): number;
}

let loaded: NameService | undefined;

function library(): NameService {
  const call = { arguments: ["buffer", "buffer", "buffer", "uint64", "buffer"], return: "int32" } as const;
  loaded ??= ffi().dlopen(null, { getpwnam_r: call, getspnam_r: call }).functions as unknown as NameService;
  return loaded;
}

/** The name service cannot say whether there is such an account; `errno` is why. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  readonly errno: number;
  constructor(database: string, errno: number) {
    super(`unable to look up in ${database}: ${errno === 13 ? "access denied" : `errno ${errno}`}`);
    this.errno = errno;
  }
}

const shadowFile = "/etc/shadow";
const bufferOctets = 1 << 16;
/** What is said in many dialects when there is no such entry: ENOENT, ESRCH, EBADF, EPERM. getpwnam(3) */
const notFound = new Set([0, 1, 2, 3, 9]);

/** Undefined when there is no such account. Throws NoAnswer. May block. */
export function passwdEntry(user: string): PasswdEntry | undefined {
  return ask("passwd", "getpwnam_r", user, 48, (entry, text) => ({
    // struct passwd: name 0, passwd 8, uid 16, gid 20, gecos 24, dir 32, shell 40.
    name: text(0),
    hash: text(8),
    uid: entry.readUInt32LE(16),
    gid: entry.readUInt32LE(20),
    home: text(32),
    shell: text(40),
  }));
}

/** Undefined when there is no such entry. Throws NoAnswer, also when only root may know. May block. */
export function shadowEntry(user: string): ShadowEntry | undefined {
  const entry = askShadow(user);
  // What files(5) may not read, the next database has not either: nobody says that it was about leave.
  if (entry === undefined && !mayReadShadow()) throw new NoAnswer("shadow", 13);
  return entry;
}

function mayReadShadow(): boolean {
  try {
    accessSync(shadowFile, constants.R_OK);
    return true;
  } catch (error) {
    return codeOf(error) === "ENOENT";
  }
}

function askShadow(user: string): ShadowEntry | undefined {
  // struct spwd: namp 0, pwdp 8, lstchg 16, min 24, max 32, warn 40, inact 48, expire 56, flag 64.
  return ask("shadow", "getspnam_r", user, 72, (entry, text) => {
    const expires = Number(entry.readBigInt64LE(56));
    return { hash: text(8), expires: expires < 0 ? undefined : expires };
  });
}

function ask<Entry>(
  database: string,
  call: keyof NameService,
  user: string,
  octets: number,
  read: (entry: Buffer, text: (at: number) => string) => Entry,
): Entry | undefined {
  // No name of an account has them, and some databases would take them for something else.
  if (user === "" || user.length > 256 || /[\x00-\x20\x7f:,]/.test(user)) return undefined;
  const [entry, buffer, result] = [octets, bufferOctets, 8].map((size) => Buffer.alloc(size)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  try {
    const errno = library()[call](cString(user), entry, buffer, BigInt(buffer.length), result);
    if (result.readBigUInt64LE(0) === 0n) {
      if (notFound.has(errno)) return undefined;
      throw new NoAnswer(database, errno);
    }
    return read(entry, (at) => textIn(buffer, entry.readBigUInt64LE(at)));
  } finally {
    buffer.fill(0); // hashes
  }
}

/**
 * The hashes of shadow(5) itself, for what the usual one costs; empty when we may not read it. Other databases cannot
 * be listed.
 */
export function shadowHashes(): readonly string[] {
  try {
    return readFileSync(shadowFile, "latin1")
      .split("\n")
      .map((line) => line.split(":")[1] ?? "");
  } catch {
    return [];
  }
}
