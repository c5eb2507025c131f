// How a refresh asks for workers: each pool once, in time, and what it brings is part of each look.

import { assert, describe, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import { historyOwner, sightingsOwner } from "../../src/inventory/history.ts";
import { type LookScope, Prober, refresh } from "../../src/inventory/refresh.ts";
import { inventoryOwner } from "../../src/inventory/roll.ts";
import {
  readMillis,
  readPools,
  WorkerSource,
  type WorkerSourceShape,
} from "../../src/inventory/worker-source.ts";
import { type ListedWorker, poolName } from "../../src/inventory/workers.ts";
import { makeMemoryStore } from "../../src/store/memory.ts";
import { Store, type StoreShape } from "../../src/store/store.ts";
import type { WorkerPool } from "../../src/words/host.ts";
import { ProviderError, type ProviderReason } from "../../src/words/provider.ts";

const answered = { reason: null, step: null, message: null };
const pool: WorkerPool = { provisioner: "releng", workerType: "talos" };

const listed = (id: string): ListedWorker => ({
  ...pool,
  id,
  group: "mdc1",
  lastActive: "2026-05-01T11:50:00.000Z",
  quarantined: false,
});

const failure = (reason: ProviderReason, more: { readonly retryAfterMillis?: number } = {}) =>
  new ProviderError({ reason, operation: "list workers", message: "no", ...more });

/** A store where these hosts belong to a population of workers. */
const storeOf = Effect.fnUntraced(function* (hosts: ReadonlyArray<string>, named = true) {
  const store = makeMemoryStore();
  yield* store.commit({
    owner: inventoryOwner,
    puts: [
      {
        _tag: "Population",
        population: {
          name: "talos",
          expectedRole: null,
          targetQuery: null,
          description: null,
          workers: named ? pool : null,
          keeper: { by: "cli" },
        },
      },
      ...hosts.map((host) => ({
        _tag: "Host" as const,
        host: {
          address: { host },
          discoveredAt: "2026-05-01T00:00:00.000Z",
          population: "talos",
          expectedRole: null,
          disabled: null,
          labels: {},
        },
      })),
    ],
  });
  return store;
});

const run = (
  store: StoreShape,
  list: WorkerSourceShape["list"] | null,
  hosts: ReadonlyArray<string>,
  {
    at = "2026-05-01T12:00:00.000Z",
    scope = "full",
  }: { readonly at?: string; readonly scope?: LookScope } = {},
) =>
  refresh(
    hosts.map((host) => ({ host })),
    { scope },
  ).pipe(
    Effect.provideService(Store, store),
    Effect.provideService(WorkerSource, list === null ? null : { list }),
    Effect.provideService(Prober, {
      look: ({ host }) =>
        Effect.succeed({ observation: { host, at, contact: answered }, override: null }),
    }),
  );

const sighting = (store: StoreShape, host: string) =>
  Effect.map(store.record(sightingsOwner, `Sighting/${host}`), (record) =>
    record?._tag === "Sighting" ? record.sighting : null,
  );

const looks = (store: StoreShape, host: string) =>
  Effect.map(store.record(historyOwner, `History/${host}`), (record) =>
    record?._tag === "History" ? record.looks : [],
  );

const hosts = Array.from({ length: 40 }, (_, index) => `h${index}.test`);

describe("a refresh with workers", () => {
  for (const scope of ["fast", "full"] as const) {
    it.effect(`lists each pool once, and has the worker in sighting and history: ${scope}`, () =>
      Effect.gen(function* () {
        const store = yield* storeOf(hosts);
        const asked: Array<string> = [];
        const list: WorkerSourceShape["list"] = (one) =>
          Effect.sync(() => {
            asked.push(poolName(one));
            return [listed("h7")];
          });
        const sum = yield* run(store, list, hosts, { scope });
        assert.deepStrictEqual(asked, ["releng/talos"]);
        assert.deepStrictEqual([sum.answered, sum.unread], [40, []]);
        const { provisioner, workerType, id, lastActive, quarantined } = listed("h7");
        const worker = { provisioner, workerType, id, lastActive, quarantined };
        assert.deepStrictEqual((yield* sighting(store, "h7.test"))?.worker, {
          value: worker,
          at: "2026-05-01T12:00:00.000Z",
        });
        assert.deepStrictEqual((yield* looks(store, "h7.test"))[0]?.worker, worker);
        assert.isNull((yield* looks(store, "h8.test"))[0]?.worker);
      }),
    );
  }

  it.effect("asks nobody where there is nobody to ask, or no population names a pool", () =>
    Effect.gen(function* () {
      const named = yield* storeOf(["a.test"]);
      yield* run(named, null, ["a.test"]);
      const unnamed = yield* storeOf(["a.test"], false);
      yield* run(unnamed, () => Effect.die("asked"), ["a.test"]);
      for (const store of [named, unnamed]) {
        assert.deepStrictEqual(yield* looks(store, "a.test"), [
          { host: "a.test", at: "2026-05-01T12:00:00.000Z", contact: answered },
        ]);
      }
    }),
  );

  it.effect("keeps what was known with its time where a pool cannot be read, and says so", () =>
    Effect.gen(function* () {
      const store = yield* storeOf(["a.test"]);
      yield* run(store, () => Effect.succeed([listed("a")]), ["a.test"]);
      const later = { at: "2026-05-01T13:00:00.000Z" };
      const sum = yield* run(store, () => Effect.fail(failure("Denied")), ["a.test"], later);
      assert.deepStrictEqual(
        sum.unread.map(({ pool: one, error }) => [poolName(one), error.reason]),
        [["releng/talos", "Denied"]],
      );
      const known = yield* sighting(store, "a.test");
      assert.strictEqual(known?.worker?.at, "2026-05-01T12:00:00.000Z");
      assert.strictEqual(known?.contact?.at, later.at);
      const [look] = yield* looks(store, "a.test");
      assert.isFalse("worker" in look!);
      assert.strictEqual(
        look?.trouble,
        'the worker is unknown: not read was "releng/talos" (Denied)',
      );
    }),
  );

  it.effect("waits for a source that never answers no longer than it may, and loses no look", () =>
    Effect.gen(function* () {
      const store = yield* storeOf(["a.test"]);
      const asked = yield* Deferred.make<void>();
      const list = () => Effect.andThen(Deferred.succeed(asked, undefined), Effect.never);
      const fiber = yield* Effect.forkChild(run(store, list, ["a.test"]));
      yield* Deferred.await(asked);
      yield* TestClock.adjust(readMillis - 1);
      assert.isNull(yield* sighting(store, "a.test"));
      yield* TestClock.adjust(1);
      assert.strictEqual((yield* Fiber.join(fiber)).unread.length, 1);
      assert.isTrue((yield* looks(store, "a.test"))[0]?.trouble?.includes("(Unreachable)"));
    }),
  );

  it.effect("interrupted while the source is silent, has recorded the hosts that answered", () =>
    Effect.gen(function* () {
      const store = yield* storeOf(["a.test"]);
      const asked = yield* Deferred.make<void>();
      const list = () => Effect.andThen(Deferred.succeed(asked, undefined), Effect.never);
      const fiber = yield* Effect.forkChild(run(store, list, ["a.test"]));
      yield* Deferred.await(asked);
      yield* TestClock.adjust(1);
      yield* Fiber.interrupt(fiber);
      assert.deepStrictEqual((yield* sighting(store, "a.test"))?.contact?.value, answered);
      assert.isUndefined((yield* sighting(store, "a.test"))?.worker);
    }),
  );
});

describe("reading pools", () => {
  const reasonOf = (source: WorkerSourceShape["list"]) =>
    Effect.map(readPools({ list: source }, [pool]), ([reading]) =>
      reading !== undefined && "error" in reading ? reading.error.reason : reading?.workers.length,
    );

  const failing = (times: number, error: ProviderError) => {
    let tries = 0;
    const list = () =>
      Effect.suspend(() =>
        (tries += 1) > times ? Effect.succeed([listed("a")]) : Effect.fail(error),
      );
    return { list, tries: () => tries };
  };

  const later = <A>(effect: Effect.Effect<A>) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(effect);
      yield* TestClock.adjust(readMillis);
      return yield* Fiber.join(fiber);
    });

  it.effect("tries twice more what may pass", () =>
    Effect.gen(function* () {
      for (const reason of ["Unreachable", "Throttled"] as const) {
        assert.strictEqual(yield* later(reasonOf(failing(2, failure(reason)).list)), 1);
        const longer = failing(3, failure(reason));
        assert.strictEqual(yield* later(reasonOf(longer.list)), reason);
        assert.strictEqual(longer.tries(), 3);
      }
    }),
  );

  it.effect("does not try again what a person must mend, nor wait for what is far off", () =>
    Effect.gen(function* () {
      for (const error of [
        failure("Denied"),
        failure("Invalid"),
        failure("Throttled", { retryAfterMillis: 10_001 }),
      ]) {
        const source = failing(9, error);
        assert.strictEqual(yield* reasonOf(source.list), error.reason);
        assert.strictEqual(source.tries(), 1);
      }
    }),
  );

  it.effect("waits as long as it was asked to", () =>
    Effect.gen(function* () {
      const source = failing(1, failure("Throttled", { retryAfterMillis: 9_000 }));
      const fiber = yield* Effect.forkChild(reasonOf(source.list));
      yield* TestClock.adjust(8_999);
      assert.strictEqual(source.tries(), 1);
      yield* TestClock.adjust(1_001);
      assert.strictEqual(yield* Fiber.join(fiber), 1);
    }),
  );

  it.effect("takes a fault in the source for a pool that was not read", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* reasonOf(() => Effect.die(new TypeError("x"))), "Invalid");
    }),
  );
});
