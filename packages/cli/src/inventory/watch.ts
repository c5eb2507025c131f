// Looks at the hosts of the inventory while a runner goes on, as often as the operator's configuration says.

import * as Effect from "effect/Effect";
import type * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Schedule from "effect/Schedule";
import { escapeText, Store, type StoreError } from "@muster/core";
import { defaultRefreshPace, type RefreshPace } from "@muster/core/inventory/due";
import type { Prober, Refreshed } from "@muster/core/inventory/refresh";
import { watchHosts, type Wave } from "@muster/core/inventory/watch";
import { WorkerSource } from "@muster/core/inventory/worker-source";
import { poolName } from "@muster/core/inventory/workers";
import { attributes, events } from "@muster/core/report/telemetry";
import type { MusterConfig } from "@muster/sdk";
import { actorOf } from "../actor.ts";
import type { CommandEnd } from "../exit.ts";
import { Out } from "../screen/out.ts";
import { inventoryPlace, loadConfig } from "../settings.ts";
import { logEvent } from "../telemetry/log.ts";
import { Wiring } from "../wiring.ts";

export interface WatchFlags {
  readonly store: Option.Option<string>;
  readonly config: Option.Option<string>;
}

/** Nothing where the configuration does not ask for looks. */
export const paceOf = ({ hosts }: MusterConfig): RefreshPace | null => {
  if (hosts?.refresh === undefined) return null;
  const { fastSeconds, fullSeconds } = hosts.refresh;
  return {
    fastMillis: fastSeconds === undefined ? defaultRefreshPace.fastMillis : fastSeconds * 1_000,
    fullMillis: fullSeconds === undefined ? defaultRefreshPace.fullMillis : fullSeconds * 1_000,
  };
};

const concurrency = 64;

/** A store or an SSH configuration that cannot be used is tried again after this. */
const again = Schedule.spaced("1 minute");

/** Never ends by itself. The configuration is read before each wave; SSH and the store are kept open. */
export const watchInventory = Effect.fnUntraced(function* (
  flags: WatchFlags,
): Effect.fn.Return<void> {
  const { env } = yield* Out;
  const wiring = yield* Wiring;
  const pace = loadConfig(flags.config, env).pipe(
    Effect.map(paceOf),
    // The loop tells what is wrong with the configuration; here it asks for nothing until then.
    Effect.orElseSucceed(() => null),
  );
  const watching = Effect.gen(function* () {
    const config = yield* loadConfig(flags.config, env);
    const place = yield* inventoryPlace(flags.store, config, env);
    const store = yield* wiring.openStore(place, "write");
    const ssh: ProberLayer = wiring.prober({
      env,
      sshConfig: Option.none(),
      acceptNew: false,
      concurrency,
    });
    const workers = yield* wiring.workers(env);
    return yield* watchHosts({
      pace,
      actor: actorOf(env),
      concurrency,
      onWave: logWave,
      onTrouble: logTrouble,
    }).pipe(
      Effect.provideService(Store, store),
      Effect.provideService(WorkerSource, workers),
      Effect.provide(ssh),
    );
  });
  yield* wanted(pace).pipe(
    Effect.andThen(Effect.scoped(watching)),
    Effect.tapError(logTrouble),
    Effect.retry(again),
    Effect.ignore,
  );
});

type ProberLayer = Layer.Layer<Prober, { readonly message: string }>;

/** Nothing is opened before the configuration asks for looks: a reload may ask for them later. */
const wanted = (pace: Effect.Effect<RefreshPace | null>): Effect.Effect<void> =>
  Effect.repeat(pace, {
    until: (asked) => asked !== null,
    schedule: Schedule.spaced("30 seconds"),
  }).pipe(Effect.asVoid);

const logWave = ({ fast, full }: Wave): Effect.Effect<void> =>
  Effect.all([logLooks("fast", fast), logLooks("full", full)], { discard: true });

const logLooks = (scope: "fast" | "full", seen: Refreshed | null): Effect.Effect<void> => {
  if (seen === null) return Effect.void;
  const silent = Array.from(seen.silent, ([reason, count]) => `${count} ${reason}`).toSorted();
  const unread = seen.unread.map(
    ({ pool, error }) =>
      `the workers of ${escapeText(poolName(pool))} are unknown: ${error.message}`,
  );
  return logEvent(
    events.hostsLookedAt,
    silent.length + unread.length === 0 ? "Info" : "Warn",
    [`${seen.answered} hosts answered`, ...silent, ...unread].join(", "),
    { [attributes.scope]: scope, [attributes.answered]: seen.answered },
  );
};

const logTrouble = (
  error: StoreError | CommandEnd | { readonly message: string },
): Effect.Effect<void> =>
  logEvent(
    events.hostsNotLookedAt,
    "Error",
    `the hosts are not looked at: ${error.message}`,
    "remedy" in error && error.remedy !== undefined ? { "muster.remedy": error.remedy } : {},
  );
