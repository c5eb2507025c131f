// Keeps how the loop is, and answers it over HTTP while it runs.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { attributes, events, metrics } from "@muster/core/report/telemetry";
import { count } from "@muster/core/report/trace";
import type { HealthState, Listening, ServerError } from "@muster/server";
import { logEvent } from "./log.ts";

/** How one turn of the loop ended. */
interface Tick {
  /** Nothing when it went well. */
  readonly error: string | null;
  readonly units: HealthState["units"];
}

export interface Health {
  readonly state: Effect.Effect<HealthState>;
  /** To be called at the end of each turn, whatever came of it. */
  readonly ended: (tick: Tick) => Effect.Effect<void>;
}

/** `stuckAfterMillis`: longer than the longest turn and the longest wait between two. */
export const makeHealth = (stuckAfterMillis: number): Effect.Effect<Health> =>
  Effect.map(Clock.currentTimeMillis, (startedAt) => {
    let state: HealthState = {
      startedAt,
      lastTickAt: null,
      lastTickOk: null,
      lastError: null,
      stuckAfterMillis,
      units: { total: 0, failing: 0 },
    };
    return {
      state: Effect.sync(() => state),
      ended: Effect.fnUntraced(function* ({ error, units }) {
        const lastTickAt = yield* Clock.currentTimeMillis;
        state = { ...state, lastTickAt, lastTickOk: error === null, lastError: error, units };
        const result = error === null ? "done" : "failed";
        yield* count(metrics.ticks, { [attributes.result]: result });
      }),
    };
  });

/** Listens until the scope closes; its code is loaded only then. */
export const listening = (
  address: string,
  { state }: Health,
): Effect.Effect<Listening, ServerError, Scope.Scope> =>
  Effect.gen(function* () {
    const { serve } = yield* Effect.promise(() => import("@muster/server"));
    const found = yield* serve({ address, health: state });
    yield* logEvent(events.httpListening, "Info", `listening on ${found.url}`, {
      "url.full": found.url,
    });
    return found;
  });
