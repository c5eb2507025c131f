// Opens a daemon in this process, for tests that turn it by hand.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type * as Scope from "effect/Scope";
import { type Daemon, makeDaemon } from "../../src/fleet/daemon.ts";
import { type Fleet, openFleet } from "../../src/fleet/opened.ts";
import { Out } from "../../src/screen/out.ts";
import { Wiring } from "../../src/wiring.ts";
import { quickWiring, quietOut, type World } from "../world.ts";

export interface Opened extends Daemon {
  readonly fleet: Fleet;
  /** What it said so far. */
  readonly said: () => string;
  /** One turn, and the end of what it began. */
  readonly whole: Effect.Effect<void>;
}

/** Runs with a daemon on `f/fleet.yaml`, which an earlier one may have kept before. */
export const withDaemon = (
  world: World,
  use: (daemon: Opened) => Effect.Effect<void, unknown, Scope.Scope>,
  /** How much later than the real time it is for the daemon, in milliseconds. */
  { later = 0 }: { readonly later?: number } = {},
): Promise<void> => {
  let said = "";
  const file = world.at("f/fleet.yaml");
  const program = Effect.gen(function* () {
    const none = Option.none<string>();
    const flags = { file, state: none, store: none, owner: none, config: none };
    const fleet = yield* openFleet(flags, "write");
    const daemon = yield* makeDaemon(fleet, {
      file,
      interval: "30s",
      intervalMillis: 30_000,
      graceMillis: 10_000,
      log: (text) => Effect.sync(() => void (said += `${text}\n`)),
      onTurn: () => Effect.void,
    });
    const whole = Effect.andThen(daemon.turn, daemon.idle);
    yield* use({ ...daemon, fleet, said: () => said, whole });
  });
  return Effect.runPromise(
    Effect.scoped(program).pipe(
      Effect.provideService(Out, quietOut(world.env)),
      Effect.provideService(Wiring, quickWiring),
      Effect.provideService(Clock.Clock, laterClock(later)),
    ),
  );
};

const laterClock = (later: number): Clock.Clock => {
  const real = Effect.runSync(Clock.clockWith(Effect.succeed));
  return Object.assign(Object.create(real) as Clock.Clock, {
    currentTimeMillisUnsafe: () => real.currentTimeMillisUnsafe() + later,
    currentTimeMillis: Effect.map(real.currentTimeMillis, (now) => now + later),
  });
};
