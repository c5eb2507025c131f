// Lets fibers that ask for the same look share one, and never gives them an older one than they take.

import * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";

/**
 * A look that begins after it was asked for: who asks while one is under way waits for the next,
 * together with all others that came meanwhile. Who takes an older one, in milliseconds since it
 * began, gets the latest when it is no older, also while it is under way, unless it failed.
 */
export type SharedLook<A, E> = (maxAgeMillis: number) => Effect.Effect<A, E>;

/** Looks run in `scope`, one at a time; they do not end with the fiber that happened to ask first. */
export const makeSharedLook = <A, E>(
  look: Effect.Effect<A, E>,
  scope: Scope.Scope,
): SharedLook<A, E> => {
  const turn = Semaphore.makeUnsafe(1);
  let next: Deferred.Deferred<A, E> | undefined;
  let latest: { readonly begunAt: number; readonly seen: Deferred.Deferred<A, E> } | undefined;

  const begin = (mine: Deferred.Deferred<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(Clock.currentTimeMillis, (begunAt) => {
      next = undefined;
      latest = { begunAt, seen: mine };
      return Effect.onError(look, () =>
        Effect.sync(() => {
          if (latest?.seen === mine) latest = undefined;
        }),
      );
    });

  const fresh = Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      if (next !== undefined) return restore(Deferred.await(next));
      const mine = Deferred.makeUnsafe<A, E>();
      next = mine;
      const flight = Deferred.into(Semaphore.withPermit(turn, begin(mine)), mine);
      return Effect.andThen(
        Effect.forkIn(Effect.interruptible(flight), scope),
        restore(Deferred.await(mine)),
      );
    }),
  );

  return (maxAgeMillis) =>
    maxAgeMillis <= 0
      ? fresh
      : Effect.flatMap(Clock.currentTimeMillis, (now) =>
          latest !== undefined && now - latest.begunAt <= maxAgeMillis
            ? Deferred.await(latest.seen)
            : fresh,
        );
};
