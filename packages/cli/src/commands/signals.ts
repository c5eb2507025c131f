// Turns the signals of the process into what a loop is told: reload, stop, and do not wait any more.

import type { EventEmitter } from "node:events";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Queue from "effect/Queue";
import type * as Scope from "effect/Scope";
import type { LoopSignals } from "@muster/gitops-runner";
import { Stop } from "../exit.ts";

export interface Signals extends LoopSignals {
  /** Which signal asked to stop, when one did. */
  readonly asked: () => NodeJS.Signals | null;
  /** A second one: do not wait any more. */
  readonly insisted: Deferred.Deferred<void>;
}

/**
 * Notes which signal came. The runtime of the process turns the first into an interruption, and a
 * loop with nothing to do ends within that very call: so this has to hear of it before the runtime.
 */
export const listenToSignals = (
  source: Pick<EventEmitter, "on" | "prependListener" | "off">,
): Effect.Effect<Signals, never, Scope.Scope> =>
  Effect.gen(function* () {
    const reload = yield* Queue.unbounded<void>();
    const stop = yield* Deferred.make<void>();
    const insisted = yield* Deferred.make<void>();
    let asked: NodeJS.Signals | null = null;
    const onHangUp = (): void => void Queue.offerUnsafe(reload, undefined);
    const onStop = (signal: NodeJS.Signals): void => {
      if (asked === null) asked = signal;
      else Deferred.doneUnsafe(insisted, Effect.void);
    };
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        source.on("SIGHUP", onHangUp);
        source.prependListener("SIGTERM", onStop);
        source.prependListener("SIGINT", onStop);
      }),
      () =>
        Effect.sync(() => {
          source.off("SIGHUP", onHangUp);
          source.off("SIGTERM", onStop);
          source.off("SIGINT", onStop);
        }),
    );
    return { reload, stop, insisted, asked: () => asked };
  });

/** Being interrupted asks the loop to stop, and waits until it has: unless somebody insists. */
export const untilStopped = <E, R>(
  looping: Effect.Effect<void, E, R>,
  signals: Signals,
): Effect.Effect<void, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const stop = yield* Stop;
      const fiber = yield* Effect.forkChild(Effect.interruptible(looping));
      yield* restore(Fiber.join(fiber)).pipe(
        Effect.onInterrupt(() =>
          Effect.gen(function* () {
            yield* Deferred.succeed(signals.stop, undefined);
            const inOrder = yield* Effect.raceFirst(
              Effect.as(Fiber.await(fiber), true),
              Effect.as(Deferred.await(signals.insisted), false),
            );
            yield* Fiber.interrupt(fiber);
            stop.inOrder = inOrder && signals.asked() === "SIGTERM";
          }),
        ),
      );
    }),
  );
