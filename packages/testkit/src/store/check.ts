// What a conformance check is: a question to any store, and how its answer is judged.

import type { StoreError, StoreShape } from "@muster/core/store/store";
import { canonicalJson } from "@muster/core/words/canonical";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";

/** A place, empty at first, where stores are opened: again and again, and several at a time. */
export interface StoreGround {
  /** A store on what was written here before. Closed with its scope. */
  readonly open: Effect.Effect<StoreShape, StoreError, Scope.Scope>;
  /** How many transactions were written here, counted from outside; leave it out if nobody can. */
  readonly transactions?: Effect.Effect<number>;
}

/** The store broke a promise. */
export class ConformanceFault extends Schema.TaggedError<ConformanceFault>()("ConformanceFault", {
  message: Schema.String,
}) {}

/** One promise that every store keeps. */
export interface StoreCheck {
  readonly name: string;
  readonly run: (
    ground: StoreGround,
  ) => Effect.Effect<void, ConformanceFault | StoreError, Scope.Scope>;
}

/** Fails unless both say the same in canonical JSON. */
export const expectSame = (
  what: string,
  actual: unknown,
  expected: unknown,
): Effect.Effect<void, ConformanceFault> => {
  const [seen, asked] = [canonicalJson(actual), canonicalJson(expected)];
  if (seen === asked) return Effect.void;
  return Effect.fail(new ConformanceFault({ message: `${what}: expected ${asked}, got ${seen}` }));
};

/** Fails unless the effect fails for this reason. */
export const expectRefusal = <A>(
  what: string,
  act: Effect.Effect<A, StoreError>,
  reason: StoreError["reason"],
): Effect.Effect<void, ConformanceFault> =>
  Effect.flatMap(Effect.result(act), (result) =>
    expectSame(what, Result.isFailure(result) ? result.failure.reason : "success", reason),
  );
