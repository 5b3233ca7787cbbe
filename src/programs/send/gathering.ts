/**
 * How long a group of messages gathers before it is committed. One message at a time is committed at once; where many
 * come, a few milliseconds make one flush serve them all. Nobody tells us how many clients there are, so waiting is
 * tried now and then, and goes on only while it brings something. Pure: the clock is the caller's.
 */

/** No message waits longer for company. */
const longestMs = 20;
/** Nobody new for so many times the usual gap between two messages: nobody is coming. */
const quietGaps = 10;
const shortestLookMs = 1;
const longestLookMs = 10;
/** A group of fewer was not worth its wait. */
const worthwhile = 4;
/** Groups that are committed at once after a wait in vain; twice as many after the next. */
const fewestRests = 8;
const mostRests = 1024;
/** Each time so many groups were complete, one waits for more than the last had. */
const groupsToProbe = 8;
/** How far the usual gap follows each new one. */
const inertia = 32;

export class Gathering {
  #lastAt = Number.NEGATIVE_INFINITY;
  #gapMs = longestLookMs;
  #rest = fewestRests;
  #resting = fewestRests;
  /** How many the last group that waited to its end had: when they are all there again, it is complete. */
  #expected = 0;
  #complete = 0;
  /** The group that waits; undefined when none does. */
  #group: { readonly since: number; count: number; seen: number } | undefined;

  /** A message came. Milliseconds until the next look at its group; 0: commit now; undefined: a look is under way. */
  arrived(now: number): number | undefined {
    this.#gapMs += (Math.min(now - this.#lastAt, longestMs) - this.#gapMs) / inertia;
    this.#lastAt = now;
    const group = this.#group;
    if (group !== undefined) {
      group.count += 1;
      return this.#isComplete(group.count) ? 0 : undefined;
    }
    if (this.#resting > 0) {
      this.#resting -= 1;
      return 0;
    }
    this.#group = { since: now, count: 1, seen: 1 };
    return this.#lookMs();
  }

  /** Milliseconds until the next look; 0: commit now. */
  look(now: number): number {
    const group = this.#group;
    if (group === undefined || group.count === group.seen || now - group.since >= longestMs) return 0;
    group.seen = group.count;
    return Math.min(this.#lookMs(), Math.max(shortestLookMs, group.since + longestMs - now));
  }

  /** What was there has been committed. */
  committed(): void {
    const group = this.#group;
    this.#group = undefined;
    if (group === undefined) return;
    if (group.count < worthwhile) {
      this.#resting = this.#rest;
      this.#rest = Math.min(this.#rest * 2, mostRests);
      return;
    }
    this.#rest = fewestRests;
    this.#complete = this.#isComplete(group.count) ? this.#complete + 1 : 0;
    this.#expected = group.count;
  }

  #isComplete(count: number): boolean {
    return count >= Math.max(worthwhile, this.#expected) && this.#complete < groupsToProbe;
  }

  #lookMs(): number {
    return Math.min(longestLookMs, Math.max(shortestLookMs, quietGaps * this.#gapMs));
  }
}
