import { randomBytes } from "node:crypto";
import type { Secret } from "../../protocol/checkpassword/secret.ts";
import { type Digest, isApop, isCramMd5, readDigest } from "../../protocol/sasl/shared-secret.ts";
import type { Mechanism, Surroundings, Verdict } from "./converse.ts";

/** CRAM-MD5: RFC 2195. There is no initial response. */
export const cramMd5: Mechanism = async (peer, around): Promise<Verdict> => {
  if (peer.initial !== undefined) return "malformed";
  const challenge = Buffer.from(`<${randomBytes(12).toString("hex")}.${Date.now()}@acceptutils>`);
  const response = await peer.challenge(challenge);
  return verdictOn(readDigest(response), around, (digest, secret) => isCramMd5(digest, challenge, secret));
};

/** APOP: RFC 1939 §7. What it is bound to is the time stamp of the greeting. */
export const apop: Mechanism = async (peer, around, opening): Promise<Verdict> => {
  const stamp = Buffer.from(opening.binding, "hex");
  if (peer.initial === undefined || stamp.length === 0) return "malformed";
  return verdictOn(readDigest(peer.initial), around, (digest, secret) => isApop(digest, stamp, secret));
};

async function verdictOn(
  digest: Digest | undefined,
  { stored, judge }: Surroundings,
  fits: (digest: Digest, secret: Secret) => boolean,
): Promise<Verdict> {
  if (digest === undefined) return "malformed";
  const { user } = digest;
  const { secret, account } = await stored.clear(user);
  using _ = secret;
  const right = await judge(user, async () => fits(digest, secret) && account !== undefined);
  return right && account !== undefined ? { account, user } : { refused: user };
}
