/**
 * Logging in by more than a name and a password, at the side of whoever knows the users: one function for each
 * mechanism, a short conversation that ends with an account or without one.
 */
import type { Opening } from "../../protocol/checkpassword/conversation.ts";
import type { Account } from "../../system/system.ts";
import type { Stored } from "../backend.ts";
import { oauthBearer, xoauth2 } from "./bearer.ts";
import { external } from "./external.ts";
import { scram } from "./scram.ts";
import { apop, cramMd5 } from "./shared-secret.ts";

/** The client, as a mechanism meets it. */
export interface Peer {
  /** What it began with; undefined when it waits for a challenge. */
  readonly initial: Uint8Array | undefined;
  /** Sends a challenge and resolves to the response. Throws Gone when none will come. */
  challenge(octets: Uint8Array): Promise<Uint8Array>;
}

/** The client has gone, or has cancelled. */
export class Gone extends Error {
  override readonly name = "Gone";
}

export interface Surroundings {
  readonly stored: Stored;
  /** Asks `work` whether a proof was right, when it is its turn; a wrong one goes into the book of failures. */
  judge(user: string, work: () => Promise<boolean>): Promise<boolean>;
}

export type Verdict =
  /** `user` is latin1: what the client called itself. */
  { readonly account: Account; readonly user: string } | { readonly refused: string } | "malformed";

export type Mechanism = (peer: Peer, around: Surroundings, opening: Opening) => Promise<Verdict>;

const mechanisms: ReadonlyMap<string, Mechanism> = new Map([
  ["SCRAM-SHA-256", scram({ plus: false })],
  ["SCRAM-SHA-256-PLUS", scram({ plus: true })],
  ["EXTERNAL", external],
  ["OAUTHBEARER", oauthBearer],
  ["XOAUTH2", xoauth2],
  ["CRAM-MD5", cramMd5],
  ["APOP", apop],
]);

/** Who the client is. Throws Gone, and what `around` throws. */
export async function converse(opening: Opening, peer: Peer, around: Surroundings): Promise<Verdict> {
  return (await mechanisms.get(opening.mechanism)?.(peer, around, opening)) ?? "malformed";
}
