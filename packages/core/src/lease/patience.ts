// Decides how long a turn waits for a lease that somebody else holds.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Random from "effect/Random";
import type { LeaseError } from "./lease.ts";

/** How often a turn is begun anew because another one was at work. */
const mostWaits = 3;

/** A lease that lasts longer than this is not waited for, in milliseconds. */
const longestWait = 150_000;

/**
 * Begins the turn anew when the lease was taken: at once when somebody claimed it between our look
 * and our claim, after its end when it is held. A crashed holder is waited out like a living one.
 */
export const waitForLease = <A, E, R>(
  turn: Effect.Effect<A, E | LeaseError, R>,
  onWait: (error: LeaseError, millis: number) => Effect.Effect<void>,
): Effect.Effect<A, E | LeaseError, R> => {
  const attempt = (waits: number): Effect.Effect<A, E | LeaseError, R> =>
    Effect.catch(turn, (error) =>
      Effect.gen(function* () {
        if (!isTaken(error) || waits === mostWaits) return yield* Effect.fail(error);
        const now = yield* Clock.currentTimeMillis;
        const left = Math.max(0, (error.heldUntil ?? now) - now);
        if (left > longestWait) return yield* Effect.fail(error);
        // Those who wait together do not come back together.
        const wait = left + 50 + 450 * (yield* Random.next);
        yield* onWait(error, wait);
        yield* Effect.sleep(wait);
        return yield* attempt(waits + 1);
      }),
    );
  return attempt(0);
};

const isTaken = (error: unknown): error is LeaseError =>
  typeof error === "object" &&
  error !== null &&
  "_tag" in error &&
  error._tag === "LeaseError" &&
  (error as LeaseError).reason === "Taken";
