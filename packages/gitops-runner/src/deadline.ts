// Decides how much time is left, by two clocks: the wall runs through suspend, the other never goes back.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";

/** A point in time on both clocks. */
export interface Instant {
  /** Milliseconds since the epoch. */
  readonly wall: number;
  readonly monotonicNanos: bigint;
}

export const instant: Effect.Effect<Instant> = Effect.map(
  Effect.all([Clock.currentTimeMillis, Clock.monotonicTimeNanos]),
  ([wall, monotonicNanos]) => ({ wall, monotonicNanos }),
);

/** Milliseconds that passed since then, by the clock that says more. */
export const elapsedMillis = (since: Instant, now: Instant): number =>
  Math.max(now.wall - since.wall, Number(now.monotonicNanos - since.monotonicNanos) / 1e6);
