// Looks at many hosts at once and records every look, failures too; nothing that was seen is lost to one that hangs.

import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Schedule from "effect/Schedule";
import * as Semaphore from "effect/Semaphore";
import { Store, type StoreError, type StoreShape } from "../store/store.ts";
import type { ContactReason, HostAddress } from "../words/contact.ts";
import type { StoreRecord } from "../words/record.ts";
import {
  forgetContents,
  historyOwner,
  type Kept,
  type Look,
  overridesIn,
  overridesLeft,
  recordLooks,
  sightingsOwner,
  without,
} from "./history.ts";
import { inventoryOwner, rollOf } from "./roll.ts";
import { readPools, WorkerSource } from "./worker-source.ts";
import {
  correlate,
  type Correlation,
  type PoolReading,
  poolsNamed,
  poolsOfHosts,
} from "./workers.ts";

/** Asks whether it can be reached, or for all that a probe can see. */
export type LookScope = "fast" | "full";

export interface ProberShape {
  /** Never fails: how it ended is part of the look. Bounded by deadlines of its own. */
  readonly look: (address: HostAddress, scope: LookScope) => Effect.Effect<Look>;
  /**
   * What the operator's configuration asks for, and did not happen at the looks so far: each once,
   * with its place. Text from outside is quoted in it.
   */
  readonly warnings?: Effect.Effect<ReadonlyArray<string>>;
}

export class Prober extends Context.Service<Prober, ProberShape>()(
  "@muster/core/inventory/refresh/Prober",
) {}

export interface RefreshOptions {
  readonly scope: LookScope;
  /** How many hosts are looked at at a time; whoever is done makes room at once. Default 64. */
  readonly concurrency?: number;
  /** Told of each look when it ends, before it is on disk. */
  readonly onLook?: (look: Look) => Effect.Effect<void>;
}

export interface Refreshed {
  readonly answered: number;
  /** How many did not answer, by reason. */
  readonly silent: ReadonlyMap<ContactReason, number>;
  /** The pools whose workers could not be listed. */
  readonly unread: ReadonlyArray<UnreadPool>;
}

export type UnreadPool = Extract<PoolReading, { readonly error: unknown }>;

const defaultConcurrency = 64;
/**
 * So often somebody else may have written of the same hosts first, or no answer may have come,
 * before it is given up. What was written already is the same when it is written again.
 */
const rewrites = 5;

/**
 * One look at each host, with its worker where a `WorkerSource` is there and populations name pools:
 * each pool is listed once. Every look is on disk when it succeeds, and each that had ended when it
 * is interrupted. Fails when the store does.
 */
export const refresh = Effect.fnUntraced(function* (
  addresses: ReadonlyArray<HostAddress>,
  options: RefreshOptions,
): Effect.fn.Return<Refreshed, StoreError, Store | Prober> {
  const store = yield* Store;
  const prober = yield* Prober;
  const left = new Set<string>();
  const record = yield* makeRecorder(store, left);
  const workers = yield* Effect.forkChild(yield* askForWorkers(store));
  const looks = yield* Effect.forEach(
    addresses,
    (address) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const contact = yield* restore(prober.look(address, options.scope));
          // Interrupted while Taskcluster is waited for, the host has answered all the same.
          const known = yield* Effect.exit(restore(Fiber.join(workers)));
          const look = Exit.isSuccess(known) ? withWorker(contact, known.value.workerOf) : contact;
          yield* options.onLook?.(look) ?? Effect.void;
          yield* record(look);
          return look.observation.contact?.reason ?? null;
        }),
      ),
    { concurrency: options.concurrency ?? defaultConcurrency },
  );
  yield* forgetUnseen(store, left);
  return { ...sumOf(looks), unread: (yield* Fiber.join(workers)).unread };
});

interface Workers {
  readonly workerOf: (host: string) => Correlation;
  readonly unread: ReadonlyArray<UnreadPool>;
}

/** Answers at once where nobody can be asked, or no population names a pool. */
const askForWorkers = Effect.fnUntraced(function* (
  store: StoreShape,
): Effect.fn.Return<Effect.Effect<Workers>, StoreError> {
  const source = yield* WorkerSource;
  if (source === null) return Effect.succeed({ workerOf: () => ({}), unread: [] });
  const roll = rollOf(yield* store.load(inventoryOwner));
  return Effect.map(readPools(source, poolsNamed(roll)), (readings) => ({
    workerOf: correlate({ hosts: poolsOfHosts(roll), readings }),
    unread: readings.filter((reading) => "error" in reading),
  }));
});

const withWorker = (look: Look, workerOf: Workers["workerOf"]): Look => {
  const { observation } = look;
  const correlation = workerOf(observation.host);
  const troubles = [observation.trouble, correlation.trouble].filter((one) => one !== undefined);
  return {
    ...look,
    observation: {
      ...observation,
      ...correlation,
      ...(troubles.length === 0 ? {} : { trouble: troubles.join("; ") }),
    },
  };
};

const sumOf = (ends: ReadonlyArray<ContactReason | null>): Omit<Refreshed, "unread"> => {
  const silent = new Map<ContactReason, number>();
  for (const reason of ends) {
    if (reason !== null) silent.set(reason, (silent.get(reason) ?? 0) + 1);
  }
  return { answered: ends.filter((reason) => reason === null).length, silent };
};

/** Gathers the looks that end while a transaction runs into the next one, and what they leave behind. */
const makeRecorder = Effect.fnUntraced(function* (
  store: StoreShape,
  left: Set<string>,
): Effect.fn.Return<(look: Look) => Effect.Effect<void, StoreError>> {
  const turn = yield* Semaphore.make(1);
  let ended: Array<Look> = [];
  const flush = Effect.suspend(() => {
    const looks = ended;
    ended = [];
    return Effect.map(write(store, looks), (overrides) => {
      for (const sha256 of overrides) left.add(sha256);
    });
  });
  return (look) =>
    Effect.suspend(() => {
      ended.push(look);
      return turn.withPermits(1)(
        // Who had the turn before may have written it; else others that end now hand in theirs first.
        Effect.suspend(() =>
          ended.includes(look) ? Effect.andThen(Effect.yieldNow, flush) : Effect.void,
        ),
      );
    });
});

/** Looks that were had already are on disk when it succeeds. */
export const keepLooks = (
  store: StoreShape,
  looks: ReadonlyArray<Look>,
): Effect.Effect<void, StoreError> =>
  Effect.flatMap(write(store, looks), (left) => forgetUnseen(store, left));

/** Answers the overrides that the records of these hosts do not show any more. */
const write = (
  store: StoreShape,
  looks: ReadonlyArray<Look>,
): Effect.Effect<ReadonlySet<string>, StoreError> =>
  Effect.gen(function* () {
    const hosts = new Set(looks.map(({ observation }) => observation.host));
    const kept = new Map<string, Kept>();
    for (const host of hosts) kept.set(host, yield* keptOf(store, host));
    const batches = recordLooks(looks, (host) => kept.get(host)!);
    for (const batch of batches) yield* store.commit(batch);
    return overridesLeft(kept.values(), batches);
  }).pipe(
    Effect.retry({
      while: ({ reason }) => reason === "Moved" || reason === "Unanswered",
      schedule: Schedule.recurs(rewrites),
    }),
  );

/**
 * Deletes the bytes of those overrides that no record shows any more. One that is seen again in this
 * very moment may lose its bytes until the next look brings them.
 */
const forgetUnseen = Effect.fnUntraced(function* (
  store: StoreShape,
  left: ReadonlySet<string>,
): Effect.fn.Return<void, StoreError> {
  if (left.size === 0) return;
  const sightings = yield* store.load(sightingsOwner);
  let unseen = without(left, overridesIn(sightings));
  // One history after the other: all of them at once are much.
  for (const record of sightings) {
    if (unseen.size === 0) return;
    if (record._tag !== "Sighting") continue;
    const { history } = yield* keptOf(store, record.sighting.host);
    const shown = (history ?? []).flatMap(({ facts }) => facts?.overrideSha ?? []);
    unseen = without(unseen, new Set(shown));
  }
  if (unseen.size > 0) yield* store.commit(forgetContents(unseen));
});

const keptOf = Effect.fnUntraced(function* (
  store: StoreShape,
  host: string,
): Effect.fn.Return<Kept, StoreError> {
  const sighting = yield* store.record(sightingsOwner, `Sighting/${host}`);
  const history = yield* store.record(historyOwner, `History/${host}`);
  return {
    sighting: is(sighting, "Sighting") ? sighting.sighting : null,
    history: is(history, "History") ? history.looks : null,
  };
});

const is = <Tag extends StoreRecord["_tag"]>(
  record: StoreRecord | null,
  tag: Tag,
): record is Extract<StoreRecord, { readonly _tag: Tag }> => record?._tag === tag;
