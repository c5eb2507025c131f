// Decides how long to wait for another process, without ever holding up this one.

import { StoreError } from "@muster/core/store/store";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Random from "effect/Random";
import * as Result from "effect/Result";
import { toStoreError } from "./fault.ts";

/** How long SQLite itself may wait for a lock, in milliseconds: the event loop stands still for it. */
export const lockWaitMillis = 5;

/** How long a call waits for other processes before it fails with `Busy`, in milliseconds. */
export const patienceMillis = 15_000;

const firstPauseMillis = 5;
const longestPauseMillis = 250;

/**
 * Runs one synchronous piece of work on the store, again with growing, jittered pauses while
 * another process holds it. `doing` completes the sentence "cannot …".
 */
export const attempt = <A>(
  place: string,
  doing: string,
  work: () => A,
): Effect.Effect<A, StoreError> =>
  Effect.gen(function* () {
    const giveUpAt = (yield* monotonicMillis) + patienceMillis;
    let pause = firstPauseMillis;
    while (true) {
      const result = yield* Effect.result(once(place, doing, work));
      if (Result.isSuccess(result)) return result.success;
      if (result.failure.reason !== "Busy") return yield* result.failure;
      if ((yield* monotonicMillis) >= giveUpAt) return yield* tooLong(place, doing);
      yield* Effect.sleep(Math.ceil(pause * (0.5 + (yield* Random.next))));
      pause = Math.min(pause * 2, longestPauseMillis);
    }
  });

const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6);

const once = <A>(place: string, doing: string, work: () => A): Effect.Effect<A, StoreError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(work());
    } catch (cause) {
      const error = toStoreError(place, doing, cause);
      return error === undefined ? Effect.die(cause) : Effect.fail(error);
    }
  });

const tooLong = (place: string, doing: string): StoreError =>
  new StoreError({
    reason: "Busy",
    place,
    message: `cannot ${doing}: another process held the store for ${patienceMillis / 1000} s`,
    remedy: "find the process that has the file open and end it, or name another store",
  });
