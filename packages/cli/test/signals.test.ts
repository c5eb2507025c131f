// A loop that is told to stop ends in order, however fast it ends.

import { EventEmitter } from "node:events";
import { describe, expect, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { listenToSignals, untilStopped } from "../src/commands/signals.ts";
import { Stop } from "../src/exit.ts";

/** A process as the runtime sets it up: a signal interrupts the main fiber. Returns how it ended. */
const told = Effect.fnUntraced(function* (
  signals: ReadonlyArray<NodeJS.Signals>,
  looping: (stop: Effect.Effect<void>) => Effect.Effect<void>,
) {
  const source = new EventEmitter();
  const stop = { inOrder: false };
  const ready = yield* Deferred.make<void>();
  const main = Effect.gen(function* () {
    const heard = yield* listenToSignals(source);
    yield* Deferred.succeed(ready, undefined);
    yield* untilStopped(looping(Deferred.await(heard.stop)), heard);
  }).pipe(Effect.scoped, Effect.provideService(Stop, stop));
  let interrupt = (): void => undefined;
  // The runtime listens before the program begins.
  for (const signal of ["SIGTERM", "SIGINT"]) source.on(signal, () => interrupt());
  const fiber = Effect.runFork(main);
  interrupt = () => fiber.interruptUnsafe(fiber.id);
  yield* Deferred.await(ready);
  // Lets it come to its wait: a signal never comes in the middle of a step.
  yield* Effect.yieldNow;
  for (const signal of signals) source.emit(signal, signal);
  yield* Fiber.await(fiber);
  expect(source.eventNames().toSorted()).toEqual(["SIGINT", "SIGTERM"]);
  return stop.inOrder;
});

const atOnce = (stop: Effect.Effect<void>) => stop;
const never = (stop: Effect.Effect<void>) => Effect.andThen(stop, Effect.never);
const later = (stop: Effect.Effect<void>) => Effect.andThen(stop, Effect.yieldNow);

describe("a loop that is told to stop", () => {
  it.effect("ends in order, within the very call of the signal or later", () =>
    Effect.gen(function* () {
      expect(yield* told(["SIGTERM"], atOnce)).toBe(true);
      expect(yield* told(["SIGTERM"], later)).toBe(true);
    }),
  );

  it.effect("counts as interrupted when a person asked", () =>
    Effect.gen(function* () {
      expect(yield* told(["SIGINT"], atOnce)).toBe(false);
      expect(yield* told(["SIGINT"], later)).toBe(false);
    }),
  );

  it.effect("does not wait any more when it is told twice", () =>
    Effect.gen(function* () {
      expect(yield* told(["SIGTERM", "SIGTERM"], never)).toBe(false);
      expect(yield* told(["SIGTERM", "SIGINT"], never)).toBe(false);
    }),
  );
});
