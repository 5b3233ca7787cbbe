/** How many users have a worker of their own at once. */

/** Kept warm; the one that was used least recently goes, once its sessions have ended. */
export const warmUsers = 32;
/** In all: each is a process, and one that has sessions is not sent away. */
export const mostUsers = 256;

/**
 * Whether one more may start: `inAll` are there, `taking` those of them that take new sessions, the one that was used
 * least recently first. `retire` is who is to go for it.
 */
export function placeForUser<Worker>(
  inAll: number,
  taking: readonly Worker[],
): "none" | { readonly retire: Worker | undefined } {
  if (inAll >= mostUsers) return "none";
  return { retire: taking.length >= warmUsers ? taking[0] : undefined };
}
