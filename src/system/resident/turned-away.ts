/** Whoever lets clients in is told by the auth process whom not to serve. */
import type { TurnedAway } from "../../auth/turned-away.ts";
import type { Channel } from "./channel.ts";

/** Takes what the auth process says on `channel`. */
export function hearOfTurnedAway(channel: Channel, turnedAway: TurnedAway): void {
  channel.onMessage = ({ head }) => {
    if (head.kind !== "turnAway") return;
    turnedAway.tell(String(head["network"]), Number(head["seconds"]), Date.now());
  };
}
