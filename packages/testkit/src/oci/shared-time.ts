// Lets one virtual time pass for muster and for the simulator, and only while muster waits for it.

import * as Clock from "effect/Clock";
import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import type { Plugin } from "@muster/core/words/kind";
import type { Handler } from "@muster/core/words/provider";
import type { SimulatorClock } from "./clock.ts";

export interface SharedTime {
  /** The simulator's clock. */
  readonly clock: SimulatorClock;
  /** The same plugin: the time stands still while it is asked, however long real answers take. */
  readonly watch: (plugin: Plugin) => Plugin;
  /** Runs it to its end while the time goes on, `step` (default 20 ms) at a time. */
  readonly pass: <A, E, R>(
    program: Effect.Effect<A, E, R>,
    step?: Duration.Input,
  ) => Effect.Effect<A, E, R>;
}

/** Turns of the event loop without a question after which all fibers are taken to sleep. */
const quietTurns = 4;

/** Begins with the year 2026. */
export const sharedTime: Effect.Effect<SharedTime> = Effect.gen(function* () {
  yield* TestClock.setTime(Date.UTC(2026, 0, 1));
  const time = yield* Clock.clockWith(Effect.succeed);
  let questions = 0;
  /** Questions without an answer yet. */
  let asked = 0;

  const counted = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        asked += 1;
        questions += 1;
      }),
      () => call,
      () => Effect.sync(() => void (asked -= 1)),
    );
  const watchHandler = (handler: Handler): Handler => ({
    ...handler,
    observe: (...of) => counted(handler.observe(...of)),
    look: (...of) => counted(handler.look(...of)),
    find: (...of) => counted(handler.find(...of)),
    create: (...of) => counted(handler.create(...of)),
    created: (...of) => counted(handler.created(...of)),
    mark: (...of) => counted(handler.mark(...of)),
    remove: (...of) => counted(handler.remove(...of)),
    removed: (...of) => counted(handler.removed(...of)),
  });

  const turnOfEvents = Effect.callback<void>((resume) => {
    setImmediate(() => resume(Effect.void));
  });
  /** What is loaded before the first question takes real time, and no question tells of it. */
  const untilAsked = (times: number): Effect.Effect<void> =>
    Effect.suspend(() =>
      questions >= times ? Effect.void : Effect.andThen(turnOfEvents, untilAsked(times)),
    );
  const untilAllSleep = Effect.gen(function* () {
    for (let quiet = 0; quiet < quietTurns; quiet = asked === 0 ? quiet + 1 : 0)
      yield* turnOfEvents;
  });
  const goOn = (step: Duration.Input) => Effect.andThen(untilAllSleep, TestClock.adjust(step));

  return {
    clock: {
      now: () => time.currentTimeMillisUnsafe(),
      // Nobody but the test moves it.
      advance: () => {},
      requestArrived: () => {},
    },
    watch: (plugin) => ({
      ...plugin,
      handler: (resource) => Effect.map(counted(plugin.handler(resource)), watchHandler),
    }),
    pass: (program, step = "20 millis") =>
      Effect.suspend(() =>
        Effect.raceFirst(
          program,
          Effect.andThen(untilAsked(questions + 1), Effect.forever(goOn(step))),
        ),
      ),
  };
});
