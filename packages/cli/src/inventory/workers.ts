// Finds who is asked for workers, and says so where nobody is, or where a pool could not be read.

import * as Effect from "effect/Effect";
import { escapeText, type StoreError, type StoreShape } from "@muster/core";
import type { UnreadPool } from "@muster/core/inventory/refresh";
import type { WorkerSourceShape } from "@muster/core/inventory/worker-source";
import { poolName, poolsNamed } from "@muster/core/inventory/workers";
import { type CommandEnd, wrongInput } from "../exit.ts";
import { Out } from "../screen/out.ts";
import { Wiring } from "../wiring.ts";
import { loadRoll } from "./opened.ts";

/** Who is asked for workers; that nobody is, is said where a population has some. */
export const workersOf = Effect.fnUntraced(function* (
  store: StoreShape,
): Effect.fn.Return<WorkerSourceShape | null, CommandEnd | StoreError> {
  const screen = yield* Out;
  const wiring = yield* Wiring;
  const workers = yield* Effect.mapError(wiring.workers(screen.env), ({ message, remedy }) =>
    wrongInput(message, remedy),
  );
  if (workers === null && poolsNamed(yield* loadRoll(store)).length > 0) {
    yield* screen.say(
      "populations name Taskcluster workers, and TASKCLUSTER_ROOT_URL is not set: nothing was asked of them",
    );
  }
  return workers;
});

export const viewUnread = ({ pool, error }: UnreadPool): string =>
  [
    `the workers of ${escapeText(poolName(pool))} are unknown: ${escapeText(error.message, 400)}`,
    ...(error.remedy === undefined ? [] : [`  ${escapeText(error.remedy, 400)}`]),
  ].join("\n");
