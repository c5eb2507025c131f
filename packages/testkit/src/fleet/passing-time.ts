// Lets virtual time pass while something runs: for retries, polls and slow launches.

import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";

/** Runs it to its end while the test clock goes on, `step` (default 10 ms) at a time. */
export const whileTimePasses = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  step: Duration.Input = "10 millis",
): Effect.Effect<A, E, R> =>
  Effect.raceFirst(
    program,
    Effect.forever(Effect.andThen(Effect.yieldNow, TestClock.adjust(step))),
  );
