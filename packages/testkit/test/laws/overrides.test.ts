// An override holds until it ends, and then the document's number does: by nobody's hand in between.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import type { Handler } from "@muster/core/words/provider";
import { makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { living } from "../../src/fleet/survival.ts";
import { type FakeDocument, fakeTurn, fleetOf } from "../../src/fleet/turn.ts";

const noon = Date.parse("2026-05-01T12:00:00.000Z");
const until = "2026-05-01T13:00:00.000Z";

const start = Effect.fnUntraced(function* (count: number) {
  const cloud = makeFakeCloud();
  const store = makeMemoryStore();
  yield* TestClock.setTime(noon);
  const turn = (...documents: ReadonlyArray<FakeDocument>) => fakeTurn({ cloud, store, documents });
  yield* turn(fleetOf(count));
  return { cloud, store, turn };
});

const override = (store: StoreShape, count: number, instead: number, end = until) =>
  store.commit({
    owner: "us",
    puts: [
      {
        _tag: "Override",
        document: { kind: "FakeFleet", name: "site" },
        counts: [{ set: "web", count, instead }],
        by: "ann",
        reason: "black friday",
        at: "2026-05-01T12:00:00.000Z",
        until: end,
      },
    ],
  });

const overridesIn = (store: StoreShape) =>
  Effect.map(store.load("us"), (records) => records.filter((record) => record._tag === "Override"));

describe("an override", () => {
  it.effect("is not fought by the loop, says when it ends, and ends then by itself", () =>
    Effect.gen(function* () {
      const { cloud, store, turn } = yield* start(2);
      yield* override(store, 4, 2);
      const during = yield* turn(fleetOf(2));
      assert.lengthOf(living(cloud, "site"), 4);
      const { nextDueAt, override: told, counts } = during.left[0]!;
      assert.strictEqual(nextDueAt, until);
      assert.deepInclude(told, { by: "ann", reason: "black friday", until });
      assert.strictEqual(counts[0]!.asked, 4);
      yield* TestClock.setTime(Date.parse(until) - 1);
      yield* turn(fleetOf(2));
      assert.lengthOf(living(cloud, "site"), 4);
      yield* TestClock.setTime(Date.parse(until));
      const after = yield* turn(fleetOf(2));
      assert.deepStrictEqual(living(cloud, "site"), ["web-1.1", "web-2.1"]);
      assert.isTrue(after.outcomes.every(({ change }) => change.reason.code === "CountLowered"));
      assert.lengthOf(yield* overridesIn(store), 0);
    }),
  );

  it.effect("is not lost when it is given while a turn ends the one before", () =>
    Effect.gen(function* () {
      const { cloud, store, turn } = yield* start(2);
      yield* override(store, 2, 2);
      yield* TestClock.setTime(Date.parse(until));
      const later = "2026-05-01T14:00:00.000Z";
      const handler: Handler = {
        ...cloud.handler,
        observe: (requests) =>
          Effect.tap(cloud.handler.observe(requests), () =>
            Effect.ignore(override(store, 6, 2, later)),
          ),
      };
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2)], handler });
      const [given] = yield* overridesIn(store);
      assert.strictEqual(given?.until, later);
      yield* turn(fleetOf(2));
      assert.lengthOf(living(cloud, "site"), 6);
    }),
  );

  it.effect("removes as well, by a person's word", () =>
    Effect.gen(function* () {
      const { cloud, store, turn } = yield* start(9);
      yield* override(store, 1, 9);
      yield* turn(fleetOf(9));
      assert.deepStrictEqual(living(cloud, "site"), ["web-1.1"]);
      yield* TestClock.setTime(Date.parse(until));
      yield* turn(fleetOf(9));
      assert.lengthOf(living(cloud, "site"), 9);
    }),
  );

  it.effect("is ended by a changed number in the document, and not by another change of it", () =>
    Effect.gen(function* () {
      const { cloud, store, turn } = yield* start(2);
      yield* override(store, 4, 2);
      yield* turn({ ...fleetOf(2), spec: { ...fleetOf(2).spec, parallel: 3 } });
      assert.lengthOf(living(cloud, "site"), 4);
      yield* turn(fleetOf(3));
      assert.lengthOf(living(cloud, "site"), 3);
      assert.lengthOf(yield* overridesIn(store), 0);
      yield* turn(fleetOf(2));
      assert.lengthOf(living(cloud, "site"), 2);
    }),
  );

  it.effect("is ended by a group that comes or goes", () =>
    Effect.gen(function* () {
      const { cloud, store, turn } = yield* start(2);
      yield* override(store, 4, 2);
      const groups = [
        { name: "web", count: 2 },
        { name: "db", count: 1 },
      ];
      yield* turn({ name: "site", spec: { groups } });
      assert.lengthOf(living(cloud, "site"), 3);
    }),
  );

  it.effect("is kept apart from what the document asks: the store knows both", () =>
    Effect.gen(function* () {
      const { store, turn } = yield* start(2);
      yield* override(store, 4, 2);
      yield* turn(fleetOf(2));
      const records = yield* store.load("us");
      const document = records.find((record) => record._tag === "Document");
      assert.strictEqual(document?.expansion.sets[0]!.count, 2);
    }),
  );
});
