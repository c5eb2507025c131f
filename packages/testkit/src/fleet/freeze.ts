// A run that stops and later goes on: the clock runs meanwhile, and nothing tells the run that it stopped.

import * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import type { CrashPoints } from "../store/crash.ts";

export interface Freeze {
  /** For the decorators of store and handler. */
  readonly points: CrashPoints;
  /** Ends, with its label, when the chosen point is reached. */
  readonly frozen: Effect.Effect<string>;
  /** Lets the run go on. */
  readonly thaw: Effect.Effect<void>;
  /** A run whose timers stand still with it. */
  readonly run: <A, E, R>(program: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>;
}

/** Stops at the point of this number, from 1; without one it never stops and only counts. */
export const makeFreeze = Effect.fnUntraced(function* (at?: number): Effect.fn.Return<Freeze> {
  const labels: Array<string> = [];
  const frozen = yield* Deferred.make<string>();
  const thawed = yield* Deferred.make<void>();
  const alive = Effect.suspend(() =>
    Deferred.isDoneUnsafe(frozen) ? Deferred.await(thawed) : Effect.void,
  );
  const hit = (label: string): Effect.Effect<void> =>
    Effect.andThen(
      alive,
      Effect.suspend(() => {
        labels.push(label);
        return labels.length === at
          ? Effect.andThen(Deferred.succeed(frozen, label), Deferred.await(thawed))
          : Effect.void;
      }),
    );
  const clock = yield* Clock.Clock;
  return {
    points: {
      hit,
      alive,
      labels: Effect.sync(() => [...labels]),
      run: (program) => Effect.map(Effect.exit(program), (exit) => ({ _tag: "Ended", exit })),
    },
    frozen: Deferred.await(frozen),
    thaw: Effect.asVoid(Deferred.succeed(thawed, undefined)),
    run: (program) => Effect.provideService(program, Clock.Clock, standing(clock, alive)),
  };
});

const standing = (clock: Clock.Clock, alive: Effect.Effect<void>): Clock.Clock => ({
  currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
  currentTimeMillis: clock.currentTimeMillis,
  currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
  currentTimeNanos: clock.currentTimeNanos,
  monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: clock.monotonicTimeNanos,
  sleep: (duration) => Effect.andThen(clock.sleep(duration), alive),
});
