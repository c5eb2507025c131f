// Asks for the workers of pools: each pool once, tried again while the trouble may pass, and within a limit.

import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Random from "effect/Random";
import * as Result from "effect/Result";
import { defaultPace, waitAfter, within } from "../apply/retry.ts";
import type { WorkerPool } from "../words/host.ts";
import { ProviderError } from "../words/provider.ts";
import type { ListedWorker, PoolReading } from "./workers.ts";

/** Who knows the workers of a pool. It neither retries nor logs: that is done here, for all. */
export interface WorkerSourceShape {
  /** All of them or an error: never a part. */
  readonly list: (pool: WorkerPool) => Effect.Effect<ReadonlyArray<ListedWorker>, ProviderError>;
}

/** Nobody by default: then no look says anything of workers. */
export const WorkerSource: Context.Reference<WorkerSourceShape | null> =
  Context.Reference<WorkerSourceShape | null>("@muster/core/inventory/worker-source/WorkerSource", {
    defaultValue: () => null,
  });

/** How many pools are read at a time. */
const poolsAtOnce = 4;
/** How often a pool is tried again; and no wait for the next try is longer, in milliseconds. */
const triesMore = 2;
const longestWait = 10_000;
/** What reading a pool may take in all, in milliseconds: hosts that have answered wait for it. */
export const readMillis = 60_000;

/** One reading for each pool; what could not be read is told in it. */
export const readPools = (
  source: WorkerSourceShape,
  pools: ReadonlyArray<WorkerPool>,
): Effect.Effect<ReadonlyArray<PoolReading>> =>
  Effect.forEach(
    pools,
    (pool) =>
      Effect.map(
        Effect.result(within(readMillis, tryAgain(source.list(pool)))),
        Result.match({
          onSuccess: (workers): PoolReading => ({ pool, workers }),
          onFailure: (error): PoolReading => ({ pool, error }),
        }),
      ),
    { concurrency: poolsAtOnce },
  );

const tryAgain = <A>(
  call: Effect.Effect<A, ProviderError>,
  tries = 0,
): Effect.Effect<A, ProviderError> =>
  Effect.catch(withoutDefects(call), (error) =>
    Effect.gen(function* () {
      const passes = error.reason === "Unreachable" || error.reason === "Throttled";
      if (!passes || tries >= triesMore) return yield* error;
      const wait = waitAfter(defaultPace, error, tries, yield* Random.next);
      // A server that wants to be left alone for long must not hold up every host.
      if (wait > longestWait) return yield* error;
      yield* Effect.sleep(wait);
      return yield* tryAgain(call, tries + 1);
    }),
  );

/** A fault in the source leaves its pools unread, and stops no look at a host. */
const withoutDefects = <A>(
  call: Effect.Effect<A, ProviderError>,
): Effect.Effect<A, ProviderError> =>
  Effect.catchDefect(call, (defect) =>
    Effect.fail(
      new ProviderError({
        reason: "Invalid",
        operation: "list workers",
        message: `internal error: ${String(defect)}`,
        remedy: "this is a fault in the source of workers: please report it",
      }),
    ),
  );
