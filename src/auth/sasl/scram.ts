import { randomBytes } from "node:crypto";
import { bindingFits, checkClientFinal, readClientFirst, serverFirst } from "../../protocol/sasl/scram.ts";
import type { Mechanism, Verdict } from "./converse.ts";

const nothing = new Uint8Array(0);

/** SCRAM-SHA-256, and with channel binding -PLUS. RFC 5802 §5 */
export const scram =
  ({ plus }: { plus: boolean }): Mechanism =>
  async (peer, { stored, judge }, opening): Promise<Verdict> => {
    const binding = opening.binding === "" ? undefined : Buffer.from(opening.binding, "hex");
    const first = readClientFirst(peer.initial ?? (await peer.challenge(nothing)));
    if (first === undefined) return "malformed";
    const { user } = first;
    const { verifier, account } = await stored.scram(user);
    const exchange = serverFirst(first, verifier, randomBytes(18).toString("base64"));
    const message = await peer.challenge(Buffer.from(exchange.challenge, "latin1"));
    const verdict = checkClientFinal(exchange, message, plus ? binding : undefined);
    if ("refused" in verdict && verdict.refused === "malformed") return "malformed";
    const fits = bindingFits(first, { plus, offered: binding !== undefined });
    const right = await judge(user, async () => "proved" in verdict && fits && account !== undefined);
    if (!right || account === undefined || !("proved" in verdict)) return { refused: user };
    // RFC 4954 §4, RFC 5034 §4: success carries no data, so our proof is one more challenge; the answer is empty.
    const empty = await peer.challenge(Buffer.from(verdict.proved, "latin1"));
    return empty.length === 0 ? { account, user } : "malformed";
  };
