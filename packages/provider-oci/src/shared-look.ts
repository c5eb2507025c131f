// Lets fibers that ask for the same look share one, and never gives them an older one.

import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";

/**
 * A look that begins after it was asked for, always: who asks while one is under way waits for the
 * next, together with all others that came meanwhile. Looks run in `scope`, one at a time; they do
 * not end with the fiber that happened to ask first.
 */
export const makeSharedLook = <A, E>(
  look: Effect.Effect<A, E>,
  scope: Scope.Scope,
): Effect.Effect<A, E> => {
  const turn = Semaphore.makeUnsafe(1);
  let next: Deferred.Deferred<A, E> | undefined;

  const begin = Effect.suspend(() => {
    next = undefined;
    return look;
  });

  return Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      if (next !== undefined) return restore(Deferred.await(next));
      const mine = Deferred.makeUnsafe<A, E>();
      next = mine;
      const flight = Deferred.into(Semaphore.withPermit(turn, begin), mine);
      return Effect.andThen(
        Effect.forkIn(Effect.interruptible(flight), scope),
        restore(Deferred.await(mine)),
      );
    }),
  );
};
