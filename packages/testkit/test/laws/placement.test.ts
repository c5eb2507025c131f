// Members are spread over the places that are asked for, and go elsewhere only where there is no capacity.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import type { FakeCloud } from "../../src/fleet/fake-cloud.ts";
import { makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { launchedTwice, living, survive } from "../../src/fleet/survival.ts";
import { fakeTurn, fleetOf } from "../../src/fleet/turn.ts";

const world = (spread: number, ...places: ReadonlyArray<string>) => {
  const cloud = makeFakeCloud();
  cloud.faults.places = places;
  cloud.faults.spread = spread;
  return { cloud, store: makeMemoryStore() };
};

const turn = (cloud: FakeCloud, store: StoreShape, count: number) =>
  fakeTurn({ cloud, store, documents: [fleetOf(count)] });

const placesOf = (cloud: FakeCloud): ReadonlyArray<string> =>
  cloud
    .machines()
    .filter(({ phase }) => phase !== "gone")
    .map(({ name, place }) => `${name!.slot}:${place}`)
    .sort();

describe("where members go", () => {
  it.effect("slots take the places in turn", () =>
    Effect.gen(function* () {
      const { cloud, store } = world(2, "a", "b", "c");
      yield* turn(cloud, store, 4);
      assert.deepStrictEqual(placesOf(cloud), ["1:a", "2:b", "3:a", "4:b"]);
    }),
  );

  it.effect("a full place hands on, each try by a token and an intent of its own", () =>
    Effect.gen(function* () {
      const { cloud, store } = world(1, "a", "b", "c");
      cloud.faults.full.add("a").add("b");
      const done = yield* turn(cloud, store, 3);
      assert.deepStrictEqual(placesOf(cloud), ["1:c", "2:c", "3:c"]);
      assert.deepStrictEqual(done.left[0]!.refusals, []);
      const entries = yield* store.auditEntries(0, 100);
      const tries = entries.filter(
        ({ phase, targets }) => phase === "intent" && targets[0] === "web-1.1",
      );
      assert.deepStrictEqual(
        tries.map(({ parameters }) => parameters["place"]),
        ["a", "b", "c"],
      );
      assert.strictEqual(new Set(tries.map(({ parameters }) => parameters["token"])).size, 3);
    }),
  );

  it.effect("a place that was full is tried last for a while, and then like any other", () =>
    Effect.gen(function* () {
      const { cloud, store } = world(1, "a", "b");
      cloud.faults.full.add("a");
      yield* turn(cloud, store, 1);
      cloud.faults.full.clear();
      yield* turn(cloud, store, 2);
      assert.deepStrictEqual(placesOf(cloud), ["1:b", "2:b"]);
      yield* TestClock.adjust("11 minutes");
      yield* turn(cloud, store, 3);
      assert.deepStrictEqual(placesOf(cloud), ["1:b", "2:b", "3:a"]);
    }),
  );

  it.effect("where all are full each is tried once a turn, and it is said", () =>
    Effect.gen(function* () {
      const { cloud, store } = world(2, "a", "b", "c");
      cloud.faults.full.add("a").add("b").add("c");
      const done = yield* turn(cloud, store, 1);
      assert.deepStrictEqual(living(cloud, "site"), []);
      assert.deepStrictEqual(
        done.outcomes.map(({ code }) => code),
        ["Exhausted", "Exhausted", "Exhausted"],
      );
      cloud.faults.full.delete("b");
      yield* TestClock.adjust("1 second");
      yield* turn(cloud, store, 1);
      assert.deepStrictEqual(placesOf(cloud), ["1:b"]);
    }),
  );

  it.effect("killed between two places it launches nothing twice", () =>
    Effect.gen(function* () {
      const full = (cloud: FakeCloud) => {
        cloud.faults.places = ["a", "b", "c"];
        cloud.faults.full.add("a");
      };
      const journey = { name: "full", steps: [{ documents: [fleetOf(2)], before: full }] };
      const whole = yield* survive(journey, { store: "same", listLagMillis: 0 });
      for (const store of ["same", "empty"] as const) {
        for (let at = 1; at <= whole.labels.length; at += 1) {
          const survival = yield* survive(journey, { at, store, listLagMillis: 30_000 });
          assert.deepStrictEqual(survival.faults, [], `${store}, ${survival.died}`);
          assert.deepStrictEqual(launchedTwice(survival.cloud), []);
          assert.deepStrictEqual(living(survival.cloud, "site"), ["web-1.1", "web-2.1"]);
        }
      }
    }),
  );
});
