/**
 * What rblsmtpd thinks of a client: the first list that says something decides. Source: rblsmtpd(8) of ucspi-tcp.
 */

/** What a lookup brought: the records' text, or nothing because the lookup failed. */
export type Answer = { readonly records: readonly string[] } | "trouble";

/** One list, in the order of the command line. */
export type List =
  /** Has a TXT record for those whom it lists. `forGood`: they are refused with 553. */
  | { readonly kind: "refuse"; readonly base: string; readonly forGood: boolean; readonly closed: boolean }
  /** Has an address record for those whom it vouches for. */
  | { readonly kind: "accept"; readonly base: string; readonly closed: boolean };

export interface Refusal {
  readonly code: 451 | 553;
  /** At most 200 octets, all printable. */
  readonly text: string;
}

export interface Opinion {
  readonly decision: "none" | "accept" | Refusal;
  /** Some list could not be asked: it might have vouched, so nobody is refused for good. */
  readonly troubled: boolean;
}

export const noOpinion: Opinion = { decision: "none", troubled: false };

/** The opinion after one more list has answered. */
export function consider({ decision, troubled }: Opinion, list: List, answer: Answer): Opinion {
  if (decision !== "none") return { decision, troubled };
  if (answer === "trouble") {
    if (list.kind === "accept") return { decision: list.closed ? "none" : "accept", troubled: true };
    const refused = list.closed ? refusal(451, "temporary RBL lookup error") : "none";
    return { decision: refused, troubled: true };
  }
  if (list.kind === "accept") return { decision: answer.records.length > 0 ? "accept" : "none", troubled };
  const text = answer.records.join("");
  if (text === "") return { decision, troubled };
  return { decision: refusal(list.forGood && !troubled ? 553 : 451, text), troubled };
}

/** What RBLSMTPD in the environment says: nothing of empty text, `-text` for good. */
export function opinionOf(variable: string | undefined): Opinion {
  if (variable === undefined) return noOpinion;
  if (variable === "") return { decision: "accept", troubled: false };
  const decision = variable.startsWith("-") ? refusal(553, variable.slice(1)) : refusal(451, variable);
  return { decision, troubled: false };
}

/** The text comes from strangers: bytes that are not printable could end the reply or the log line. */
function refusal(code: 451 | 553, text: string): Refusal {
  return { code, text: text.slice(0, 200).replace(/[^ -~]/g, "?") };
}
