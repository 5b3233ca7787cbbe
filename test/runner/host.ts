/** A program under test, started and ready to be talked to. One maker for each host: native.ts, resident.ts. */
import type { Ended } from "../../src/system/system.ts";
import type { Case } from "./case.ts";
import type { Folder } from "./folder.ts";
import type { Family } from "./idle.ts";
import type { Line } from "./line.ts";

export interface Playing {
  /** Where the client is; undefined when the program has none (a queue front reads two pipes). */
  readonly client: Line | undefined;
  /** The TLS server's side of UCSPI-TLS, once the program has come to it; undefined when none is offered. */
  readonly tls: { control(): Line | undefined; inside(): Line | undefined } | undefined;
  /** The client's side of a real handshake: the line inside TLS; undefined when it fails. */
  secure?(
    protocol: string,
    cipher: string,
  ): Promise<{ line: Line; protocol: string; cipher: string } | undefined>;
  readonly family: Pick<Family, "rest">;
  /** How it ended, once it has. */
  ended(): Ended | undefined;
  /** All of the log so far. */
  log(): string;
  /** Ends whatever is still there. */
  stop(): Promise<void>;
}

export interface Host {
  readonly name: "native" | "resident";
  start(played: Case, folder: Folder): Promise<Playing>;
  close(): Promise<void>;
}

/** The user and group of "any user but root". */
export const nobody = 65534;

/** The uid to run a case as: undefined for our own. */
export function uidFor(played: Case): number | undefined {
  return played.run_as !== undefined && played.run_as !== "uid 0" && process.getuid?.() === 0
    ? nobody
    : undefined;
}

/** Whether the case offers the program working descriptors for UCSPI-TLS. */
export function offersTls({ ucspitls }: Case): boolean {
  return ucspitls !== undefined && ucspitls.omit === undefined && ucspitls.override === undefined;
}
