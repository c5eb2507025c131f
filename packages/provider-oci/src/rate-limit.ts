// Decides when a request may be sent, for all requests of one account together: OCI counts by user.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Random from "effect/Random";

/** Not sent: the wait would be too long for who asks. */
export interface HeldBack {
  readonly waitMillis: number;
}

export interface RateLimiter {
  /** Waits for its turn. Fails, with nothing sent, when that is further off, in milliseconds. */
  readonly turn: (longestWait: number) => Effect.Effect<void, HeldBack>;
  /**
   * OCI answered 429: nobody sends for as long as it said, in milliseconds, or else for a time that
   * doubles with each 429 in a row.
   */
  readonly throttled: (retryAfterMillis: number | null) => Effect.Effect<void>;
  /** OCI answered something else. */
  readonly answered: Effect.Effect<void>;
}

/**
 * Who would wait longer, in milliseconds, is told so, and comes again by way of the core. A write
 * waits no longer than what a lease keeps in hand beside the time-out of the call.
 */
export const longestWaits = { write: 1_000, read: 10_000 } as const;

/** After the first 429 that names no time, and at most, in milliseconds. */
const backOff = { first: 1_000, most: 30_000 } as const;
/** What OCI names is believed up to this, in milliseconds. */
const mostBelieved = 10 * 60_000;
/** All pauses are longer by up to this part, so that processes do not come back together. */
const jitter = 0.25;

/** Sends everything at once. */
const unlimited: RateLimiter = {
  turn: () => Effect.void,
  throttled: () => Effect.void,
  answered: Effect.void,
};

/** So many requests a second in the long run, and `burst` at once after a rest. */
export const makeRateLimiter = (perSecond: number, burst: number): RateLimiter => {
  const interval = 1_000 / perSecond;
  const allowance = interval * (burst - 1);
  /** When the next request would be due, were all sent evenly; a rest puts it into the past. */
  let due = 0;
  let pausedUntil = 0;
  let inARow = 0;

  const reserve = (now: number, longestWait: number): number | HeldBack => {
    const start = Math.max(now, pausedUntil, due - allowance);
    if (start - now > longestWait) return { waitMillis: start - now };
    due = Math.max(due, now) + interval;
    return start - now;
  };

  const turn = (longestWait: number): Effect.Effect<void, HeldBack> =>
    Effect.gen(function* () {
      const wait = reserve(yield* Clock.currentTimeMillis, longestWait);
      if (typeof wait !== "number") return yield* Effect.fail(wait);
      if (wait === 0) return;
      yield* Effect.sleep(wait);
      // Meanwhile OCI may have asked for a pause.
      if ((yield* Clock.currentTimeMillis) < pausedUntil) return yield* turn(longestWait);
    });

  return {
    turn,
    throttled: (retryAfterMillis) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis;
        const asked = retryAfterMillis ?? Math.min(backOff.most, backOff.first * 2 ** inARow);
        inARow = Math.min(inARow + 1, 10);
        const pause = Math.ceil(
          Math.min(asked, mostBelieved) * (1 + jitter * (yield* Random.next)),
        );
        pausedUntil = Math.max(pausedUntil, now + pause);
        // After the pause they come one by one: whoever was too fast has no burst left.
        due = Math.max(due, pausedUntil + allowance);
      }),
    answered: Effect.sync(() => {
      inARow = 0;
    }),
  };
};

/** Accounts that are kept at a time: beyond that the oldest begins anew. */
const maxAccounts = 1_000;

/** One limiter for each account, twice as many at once as in a second; nothing: no limit. */
export const makeRateLimiters = (perSecond: number | null): ((account: string) => RateLimiter) => {
  const limiters = new Map<string, RateLimiter>();
  return (account) => {
    if (perSecond === null) return unlimited;
    const known = limiters.get(account);
    if (known !== undefined) return known;
    const oldest = limiters.keys().next();
    if (limiters.size >= maxAccounts && !oldest.done) limiters.delete(oldest.value);
    const made = makeRateLimiter(perSecond, Math.max(1, Math.ceil(2 * perSecond)));
    limiters.set(account, made);
    return made;
  };
};
