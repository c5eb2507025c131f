// Decides how long a turn waits for a lease that somebody else holds.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Random from "effect/Random";
import type { LeaseError } from "./lease.ts";

/** How long a turn waits for others in all, in milliseconds: longer than a crashed holder's lease. */
const longestWait = 180_000;

/** A lease is looked at again after at most this, in milliseconds: most are released before their end. */
const longestStep = 5_000;

/**
 * Begins the turn anew when the lease was taken: at once when somebody claimed it between our look
 * and our claim, else every few seconds. A crashed holder is waited out like a living one; a holder
 * that works on and on is left to it, with its error.
 */
export const waitForLease = <A, E, R>(
  turn: Effect.Effect<A, E | LeaseError, R>,
  onWait: (error: LeaseError, millis: number) => Effect.Effect<void>,
): Effect.Effect<A, E | LeaseError, R> =>
  Effect.flatMap(Clock.currentTimeMillis, (began) => {
    const attempt: Effect.Effect<A, E | LeaseError, R> = Effect.catch(turn, (error) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis;
        if (!isTaken(error) || now - began >= longestWait) return yield* Effect.fail(error);
        const left = Math.max(0, (error.heldUntil ?? now) - now);
        // Those who wait together do not come back together.
        const wait = Math.min(left, longestStep) + 50 + 450 * (yield* Random.next);
        yield* onWait(error, wait);
        yield* Effect.sleep(wait);
        return yield* attempt;
      }),
    );
    return attempt;
  });

const isTaken = (error: unknown): error is LeaseError =>
  typeof error === "object" &&
  error !== null &&
  "_tag" in error &&
  error._tag === "LeaseError" &&
  (error as LeaseError).reason === "Taken";
