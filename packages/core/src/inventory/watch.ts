// Looks at the hosts again and again, wave after wave; one that fails is told, and the next one comes.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import * as Random from "effect/Random";
import * as Schedule from "effect/Schedule";
import { attributes, metrics, spans } from "../report/telemetry.ts";
import { traced } from "../report/trace.ts";
import { Store, type StoreError, type StoreShape } from "../store/store.ts";
import type { Sighting } from "../words/host.ts";
import { dueScope, type RefreshPace, waveWait } from "./due.ts";
import { sightingsOwner } from "./history.ts";
import { type LookScope, type Prober, refresh, type Refreshed } from "./refresh.ts";
import { discover, inventoryOwner, type Roll, rollOf, type Word } from "./roll.ts";

export interface WatchOptions {
  /** Read before each wave; with nothing no host is looked at, and it is read again later. */
  readonly pace: Effect.Effect<RefreshPace | null>;
  /** Whose word it is that seeds become hosts. */
  readonly actor: Word["actor"];
  /** How many hosts are looked at at a time. Default 64. */
  readonly concurrency?: number;
  /** Told when a wave has ended that looked at any host. */
  readonly onWave: (wave: Wave) => Effect.Effect<void>;
  /** Told when the store kept a wave from its end. */
  readonly onTrouble: (error: StoreError) => Effect.Effect<void>;
}

/** What a wave looked at: nothing where no host was due. */
export interface Wave {
  readonly fast: Refreshed | null;
  readonly full: Refreshed | null;
}

/** While nobody wants hosts to be looked at, in milliseconds. */
const idleWait = 30_000;

/** Never ends by itself. Interrupted, it keeps what was seen. */
export const watchHosts = (options: WatchOptions): Effect.Effect<never, never, Store | Prober> =>
  Effect.gen(function* () {
    const pace = yield* options.pace;
    // Runners that were started together do not look together.
    yield* Effect.sleep(pace === null ? idleWait : (pace.fastMillis / 10) * (yield* Random.next));
    while (true) yield* turn(options);
  });

const turn = Effect.fnUntraced(function* (
  options: WatchOptions,
): Effect.fn.Return<void, never, Store | Prober> {
  const pace = yield* options.pace;
  if (pace === null) return yield* Effect.sleep(idleWait);
  const began = yield* Clock.currentTimeMillis;
  yield* wave(options, pace).pipe(
    Effect.flatMap((seen) =>
      seen.fast === null && seen.full === null ? Effect.void : options.onWave(seen),
    ),
    Effect.catch(options.onTrouble),
  );
  const elapsed = (yield* Clock.currentTimeMillis) - began;
  yield* Effect.sleep(waveWait(pace, elapsed, yield* Random.next));
});

/** Those that only want to be reached come first: they are quick. */
const wave = Effect.fnUntraced(function* (
  options: WatchOptions,
  pace: RefreshPace,
): Effect.fn.Return<Wave, StoreError, Store | Prober> {
  const store = yield* Store;
  const roll = yield* withSeeds(store, options.actor);
  const due = yield* dueHosts(store, roll, pace);
  const look = (scope: LookScope) => lookAt(roll, due.get(scope) ?? [], scope, options);
  return { fast: yield* look("fast"), full: yield* look("full") };
});

/** The roll, on which each seed is a host; somebody else may make it so at the same time. */
const withSeeds = (store: StoreShape, actor: Word["actor"]): Effect.Effect<Roll, StoreError> =>
  discoverSeeds(store, actor).pipe(
    Effect.retry({
      while: ({ reason }) => reason === "Moved" || reason === "Unanswered",
      schedule: Schedule.recurs(5),
    }),
  );

const discoverSeeds = Effect.fnUntraced(function* (
  store: StoreShape,
  actor: Word["actor"],
): Effect.fn.Return<Roll, StoreError> {
  const roll = rollOf(yield* store.load(inventoryOwner));
  const fresh = Array.from(roll.seeds.keys()).filter((name) => !roll.hosts.has(name));
  if (fresh.length === 0) return roll;
  const at = new Date(yield* Clock.currentTimeMillis).toISOString();
  const decision = discover(roll, fresh, { actor, keeper: { by: "cli" }, at, reason: null });
  if ("decided" in decision) yield* store.commit(decision.decided.batch);
  return rollOf(yield* store.load(inventoryOwner));
});

const dueHosts = Effect.fnUntraced(function* (
  store: StoreShape,
  { hosts }: Roll,
  pace: RefreshPace,
): Effect.fn.Return<ReadonlyMap<LookScope | null, ReadonlyArray<string>>, StoreError> {
  const sightings = new Map<string, Sighting>();
  for (const record of yield* store.load(sightingsOwner)) {
    if (record._tag === "Sighting") sightings.set(record.sighting.host, record.sighting);
  }
  const now = yield* Clock.currentTimeMillis;
  return Map.groupBy(hosts.keys(), (name) => dueScope(sightings.get(name), pace, now));
});

const lookAt = Effect.fnUntraced(function* (
  roll: Roll,
  names: ReadonlyArray<string>,
  scope: LookScope,
  { concurrency }: WatchOptions,
): Effect.fn.Return<Refreshed | null, StoreError, Store | Prober> {
  if (names.length === 0) return null;
  const addresses = names.map((name) => roll.hosts.get(name)!.address);
  const seen = yield* refresh(addresses, {
    scope,
    ...(concurrency === undefined ? {} : { concurrency }),
  }).pipe(
    traced(spans.lookAtHosts, {
      attributes: { [attributes.scope]: scope, [attributes.hosts]: names.length },
      tells: ({ answered }) => ({ [attributes.answered]: answered }),
    }),
  );
  yield* measure(scope, "answered", seen.answered);
  yield* measure(scope, "silent", names.length - seen.answered);
  return seen;
});

const measure = (
  scope: LookScope,
  state: "answered" | "silent",
  hosts: number,
): Effect.Effect<void> =>
  Metric.update(
    Metric.withAttributes(metrics.hosts, {
      [attributes.scope]: scope,
      [attributes.state]: state,
    }),
    hosts,
  );
