import { isUserName } from "../../protocol/sasl/user-name.ts";
import type { Mechanism, Verdict } from "./converse.ts";

/** EXTERNAL: the certificate that the client has shown says who it is. RFC 4422 appendix A */
export const external: Mechanism = async (peer, { stored, judge }, { certificate }): Promise<Verdict> => {
  const asked = peer.initial ?? (await peer.challenge(new Uint8Array(0)));
  if (asked.length > 0 && !isUserName(asked)) return "malformed";
  const wanted = Buffer.from(asked).toString("latin1");
  const users = await stored.usersOf(certificate);
  // A certificate may stand for several users; then the client says as whom it wants to act.
  const user = wanted === "" ? users[0] : users.find((each) => each === wanted);
  const account = user === undefined ? undefined : await stored.account(user);
  const right = await judge(user ?? wanted, async () => account !== undefined);
  return right && account !== undefined && user !== undefined
    ? { account, user }
    : { refused: user ?? wanted };
};
