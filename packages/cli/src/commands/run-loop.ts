// Keeps a run going until it is told to stop: signals in, log and health out.

import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Queue from "effect/Queue";
import type * as Scope from "effect/Scope";
import { ConfigurationError, Store } from "@muster/core";
import { type LoopEvent, type LoopSignals, type LoopState, runLoop } from "@muster/gitops-runner";
import { Stop } from "../exit.ts";
import { Out } from "../screen/out.ts";
import { type Health, listening, makeHealth } from "../telemetry/health.ts";
import { logTurn } from "../telemetry/log.ts";
import { logLoop } from "../telemetry/loop-log.ts";
import { LogFormatFlag, logging } from "../telemetry/telemetry.ts";
import { type RunFlags, settle } from "./run-settings.ts";

export interface LoopFlags {
  readonly intervalMillis: number;
  readonly graceMillis: number;
  /** Where health and metrics are answered; nowhere when nothing. */
  readonly http: string | null;
}

/** Longer than the longest tick: by then no supervisor should wait any more, in milliseconds. */
const longestTick = 600_000;

export const runForEver = Effect.fnUntraced(function* (flags: RunFlags, loop: LoopFlags) {
  const screen = yield* Out;
  const format = yield* LogFormatFlag;
  const first = yield* settle(flags);
  const program = Effect.gen(function* () {
    const store = yield* first.openStore;
    const health = yield* makeHealth(2 * loop.intervalMillis + longestTick);
    if (loop.http !== null) yield* listening(loop.http, health);
    const signals = yield* listenToSignals;
    let state: () => LoopState;
    const looping = runLoop(
      {
        settle: settleAgain(flags),
        intervalMillis: loop.intervalMillis,
        graceMillis: loop.graceMillis,
        onStart: (read) => Effect.sync(() => void (state = read)),
        onLoop: (event) =>
          Effect.andThen(
            logLoop(event),
            noteHealth(health, event, () => state()),
          ),
      },
      signals,
    ).pipe(Effect.provideService(Store, store));
    yield* untilStopped(looping, signals);
  }).pipe(Effect.scoped, Effect.provide(first.git));
  // The JSON log is there already: it is asked for on the command line.
  yield* format === "json" ? program : Effect.provide(program, logging("text", screen));
});

/** What cannot be settled is told with its remedy, and the loop goes on with what it had. */
const settleAgain = (flags: RunFlags) =>
  settle(flags).pipe(
    Effect.map(({ options }) => ({ ...options, onEvent: logTurn })),
    Effect.catchTag("CommandEnd", ({ message, remedy }) =>
      Effect.fail(new ConfigurationError({ message, remedy: remedy ?? "" })),
    ),
  );

const noteHealth = (
  health: Health,
  event: LoopEvent,
  state: () => LoopState,
): Effect.Effect<void> => {
  const units = () => {
    const all = state().units;
    return { total: all.length, failing: all.filter(({ failures }) => failures > 0).length };
  };
  switch (event.type) {
    case "ticked":
      return health.ended({ error: faultsOf(event.state), units: units() });
    case "taken":
      return health.ended({ error: null, units: units() });
    case "trouble":
      return health.ended({ error: event.error.message, units: units() });
    default:
      return Effect.void;
  }
};

const faultsOf = ({ faults }: LoopState): string | null =>
  faults === 0 ? null : `the documents have ${faults} faults`;

interface Signals extends LoopSignals {
  /** Which signal asked to stop, when one did. */
  readonly asked: () => NodeJS.Signals | null;
  /** A second one: do not wait any more. */
  readonly insisted: Deferred.Deferred<void>;
}

const listenToSignals: Effect.Effect<Signals, never, Scope.Scope> = Effect.gen(function* () {
  const reload = yield* Queue.unbounded<void>();
  const stop = yield* Deferred.make<void>();
  const insisted = yield* Deferred.make<void>();
  let asked: NodeJS.Signals | null = null;
  const onHangUp = (): void => void Queue.offerUnsafe(reload, undefined);
  const onStop = (signal: NodeJS.Signals): void => {
    Deferred.doneUnsafe(asked === null ? stop : insisted, Effect.void);
    asked ??= signal;
  };
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      process.on("SIGHUP", onHangUp);
      process.on("SIGTERM", onStop);
      process.on("SIGINT", onStop);
    }),
    () =>
      Effect.sync(() => {
        process.off("SIGHUP", onHangUp);
        process.off("SIGTERM", onStop);
        process.off("SIGINT", onStop);
      }),
  );
  return { reload, stop, insisted, asked: () => asked };
});

/** Being interrupted asks the loop to stop, and waits until it has: unless somebody insists. */
const untilStopped = <E, R>(
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
