import { type Bearer, readOauthBearer, readXoauth2 } from "../../protocol/sasl/bearer.ts";
import type { Account } from "../../system/system.ts";
import type { Mechanism, Verdict } from "./converse.ts";

/** RFC 7628 §3.2.2; XOAUTH2 wants a status of HTTP. */
const errors = { OAUTHBEARER: '{"status":"invalid_token"}', XOAUTH2: '{"status":"401","schemes":"bearer"}' };

const bearer =
  (name: keyof typeof errors, read: (message: Uint8Array) => Bearer | undefined): Mechanism =>
  async (peer, { stored, judge }): Promise<Verdict> => {
    const said = read(peer.initial ?? (await peer.challenge(new Uint8Array(0))));
    if (said === undefined) return "malformed";
    using token = said.token;
    let user = said.user;
    let account: Account | undefined;
    // Looked at when it is its turn: a signature costs time, and a question to the issuer somebody else's.
    const right = await judge(user, async () => {
      const found = await stored.userOfToken(token, said.user);
      user = found ?? user;
      account = found === undefined ? undefined : await stored.account(found);
      return account !== undefined;
    });
    if (right && account !== undefined) return { account, user };
    // RFC 7628 §3.2.3: the client says that it has seen the error, and only then does it fail.
    await peer.challenge(Buffer.from(errors[name]));
    return { refused: user };
  };

export const oauthBearer = bearer("OAUTHBEARER", readOauthBearer);
export const xoauth2 = bearer("XOAUTH2", readXoauth2);
