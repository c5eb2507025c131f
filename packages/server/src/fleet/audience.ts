// Tells each change of a fleet's metrics to all who listen, and lets go of those who do not keep up.

import type { ServerResponse } from "node:http";
import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import type * as Scope from "effect/Scope";
import * as Stream from "effect/Stream";
import type { FleetMetrics } from "@muster/sdk/fleet-contract";

/** How many may listen at the same time. */
export const audienceLimit = 32;
/** A sign of life when nothing changes; who has taken nothing from one to the next is dropped. */
export const heartbeatMillis = 15_000;
/** How long a browser waits before it comes back, in milliseconds. */
const comeBackMillis = 2_000;

export interface Audience {
  readonly isFull: () => boolean;
  /** Sends what is known, and from then on each change; the head has to be written. */
  readonly join: (response: ServerResponse) => void;
  /** Sends everybody away. */
  readonly end: Effect.Effect<void>;
}

interface Listener {
  readonly response: ServerResponse;
  /** Something changed that it was not told. */
  behind: boolean;
  /** It had not taken what it was told when the last heartbeat was due. */
  stuck: boolean;
}

/** Follows the changes until the scope closes, whether anybody listens or not. */
export const openAudience = (
  changes: Stream.Stream<FleetMetrics>,
): Effect.Effect<Audience, never, Scope.Scope> =>
  Effect.gen(function* () {
    const listeners = new Set<Listener>();
    let newest: string | null = null;
    let over = false;

    const tell = (listener: Listener): void => {
      if (newest === null) return;
      // Of what piles up only the newest matters.
      listener.behind = listener.response.writableNeedDrain;
      if (!listener.behind) listener.response.write(newest);
    };
    const beat = (listener: Listener): void => {
      if (!listener.response.writableNeedDrain) {
        listener.stuck = false;
        listener.response.write(": nothing new\n\n");
      } else if (listener.stuck) {
        listener.response.destroy();
      } else {
        listener.stuck = true;
      }
    };
    const end = Effect.sync(() => {
      over = true;
      for (const { response } of listeners) response.end();
    });

    yield* changes.pipe(
      Stream.runForEach((metrics) =>
        Effect.sync(() => {
          newest = `event: metrics\ndata: ${JSON.stringify(metrics)}\n\n`;
          for (const listener of listeners) tell(listener);
        }),
      ),
      // Nobody may take silence for calm.
      Effect.ensuring(end),
      Effect.forkScoped,
    );
    yield* Effect.sync(() => {
      for (const listener of listeners) beat(listener);
    }).pipe(Effect.schedule(Schedule.spaced(heartbeatMillis)), Effect.forkScoped);

    return {
      isFull: () => over || listeners.size >= audienceLimit,
      join: (response) => {
        const listener: Listener = { response, behind: false, stuck: false };
        listeners.add(listener);
        response.once("close", () => listeners.delete(listener));
        response.on("drain", () => {
          listener.stuck = false;
          if (listener.behind) tell(listener);
        });
        response.write(`retry: ${comeBackMillis}\n\n`);
        tell(listener);
      },
      end,
    };
  });
