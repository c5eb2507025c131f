// Keeps a run going until it is told to stop: signals in, log and health out.

import * as Effect from "effect/Effect";
import { ConfigurationError, Store } from "@muster/core";
import { type LoopEvent, type LoopState, runLoop } from "@muster/gitops-runner";
import { watchInventory } from "../inventory/watch.ts";
import { spareMemory } from "../memory.ts";
import { Out } from "../screen/out.ts";
import { type Health, listening, makeHealth } from "../telemetry/health.ts";
import { logTurn } from "../telemetry/log.ts";
import { logLoop } from "../telemetry/loop-log.ts";
import { LogFormatFlag, logging } from "../telemetry/telemetry.ts";
import { type RunFlags, settle } from "./run-settings.ts";
import { listenToSignals, untilStopped } from "./signals.ts";

export interface LoopFlags {
  readonly intervalMillis: number;
  readonly graceMillis: number;
  /** Where health and metrics are answered; nowhere when nothing. */
  readonly http: string | null;
}

/** Longer than the longest tick: by then no supervisor should wait any more, in milliseconds. */
const longestTick = 600_000;

export const runForEver = Effect.fnUntraced(function* (flags: RunFlags, loop: LoopFlags) {
  yield* spareMemory;
  const screen = yield* Out;
  const format = yield* LogFormatFlag;
  const first = yield* settle(flags);
  const program = Effect.gen(function* () {
    const store = yield* first.openStore;
    const health = yield* makeHealth(2 * loop.intervalMillis + longestTick);
    if (loop.http !== null) yield* listening(loop.http, health);
    const signals = yield* listenToSignals(process);
    yield* Effect.forkScoped(watchInventory(flags));
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
