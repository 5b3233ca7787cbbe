/** When a recipient is tried again. Source: qmail's qmail-send.c: the age of the message grows by a square. */

/** How many seconds a message is tried for, when control/queuelifetime does not say. A week. */
export const usualLifetimeSeconds = 604_800;

const steps = { local: 10, remote: 20 } as const;

/**
 * The moment of the next try, after one at `now` that ended in a deferral; all in milliseconds. The first retry of a
 * local message comes after 100 seconds, of a remote one after 400, then at ages 400, 900… and 1600, 3600….
 */
export function nextTry(arrived: number, now: number, way: keyof typeof steps): number {
  const ageSeconds = Math.max(0, (now - arrived) / 1000);
  const root = Math.floor(Math.sqrt(ageSeconds)) + steps[way];
  return arrived + root * root * 1000;
}

/** True when there is no further try: the message has waited longer than its life. */
export function isTooOld(arrived: number, now: number, lifetimeSeconds: number): boolean {
  return now > arrived + lifetimeSeconds * 1000;
}
