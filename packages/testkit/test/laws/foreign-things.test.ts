// Law 4: nothing without our mark, or with another owner's, is changed or removed.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import { type FakeMachine, makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { whileTimePasses } from "../../src/fleet/passing-time.ts";
import { living } from "../../src/fleet/survival.ts";
import { fakeTurn, fleetOf } from "../../src/fleet/turn.ts";

const wish = (
  store: StoreShape,
  id: string,
  options: { readonly from?: string; readonly set?: string } = {},
) =>
  store.commit({
    owner: "us",
    puts: [
      {
        _tag: "Adoption",
        document: { kind: "FakeFleet", name: "site" },
        id,
        from: options.from ?? null,
        set: options.set ?? "web",
        by: "ann",
        reason: "it was made by hand",
        at: "2026-05-01T12:00:00.000Z",
      },
    ],
  });

const Stranger = Schema.Struct({
  owner: Schema.Literals(["none", "them"]),
  document: Schema.Literals(["site", "elsewhere"]),
  compartment: Schema.Literals(["c1", "c2"]),
  named: Schema.Boolean,
  phase: Schema.Literals(["running", "starting", "stopped", "leaving", "gone", "unknown"]),
});

describe("law 4: foreign things are untouchable", () => {
  it.effect.prop(
    "whatever strangers stand around, no turn ever changes one",
    {
      strangers: Schema.Array(Stranger).check(Schema.isMinLength(1), Schema.isMaxLength(6)),
      counts: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }))).check(
        Schema.isMinLength(1),
        Schema.isMaxLength(4),
      ),
    },
    ({ counts, strangers }) =>
      Effect.gen(function* () {
        const cloud = makeFakeCloud();
        const store = makeMemoryStore();
        const planted = strangers.map((one, index) =>
          cloud.plant({
            document: one.document,
            owner: one.owner === "none" ? null : "them",
            compartment: one.compartment,
            name: one.named ? { set: "web", slot: index + 1, generation: 1 } : null,
            phase: one.phase,
          }),
        );
        const stops = planted.some(
          (one) =>
            one.owner === "them" &&
            one.document === "site" &&
            one.compartment === "c1" &&
            one.phase !== "gone" &&
            one.phase !== "leaving",
        );
        for (const count of counts) {
          yield* fakeTurn({ cloud, store, documents: [fleetOf(count)] });
          yield* TestClock.adjust("2 hours");
        }
        assert.deepStrictEqual(
          cloud.machines().filter((one) => planted.some(({ id }) => id === one.id)),
          planted,
        );
        if (stops) assert.deepStrictEqual(cloud.mutations(), []);
      }),
  );

  it.effect("another owner's member stops the fleet, with both ways out", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      cloud.plant({
        document: "site",
        owner: "them",
        name: { set: "web", slot: 9, generation: 1 },
      });
      const before = cloud.mutations().length;
      for (const count of [0, 5]) {
        const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(count)] });
        const [refusal] = turn.left[0]!.refusals;
        assert.strictEqual(refusal?.reason.code, "OwnedByAnother");
        assert.include(refusal?.reason.text, "them");
        assert.include(refusal?.remedy, "where that owner runs it");
        assert.include(refusal?.remedy, "adopt site --from 'them' --reason");
      }
      assert.strictEqual(cloud.mutations().length, before);
    }),
  );

  it.effect("another document of ours goes on beside a fleet that another owner stops", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      cloud.plant({ document: "site", owner: "them" });
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2), fleetOf(2, "other")] });
      assert.strictEqual(living(cloud, "other").length, 2);
      assert.strictEqual(living(cloud, "site").length, 1);
    }),
  );

  it.effect("an unowned member counts: nothing is launched beside it, and count 0 leaves it", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      const unowned = cloud.plant({ document: "site" });
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      assert.strictEqual(living(cloud, "site").length, 2);
      yield* fakeTurn({ cloud, store, documents: [fleetOf(0)] });
      assert.deepStrictEqual(living(cloud, "site"), ["(unmarked)"]);
      assert.deepStrictEqual(
        cloud.machines().find(({ id }) => id === unowned.id),
        unowned,
      );
    }),
  );

  it.effect("an unowned member that turns up costs none of ours", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      cloud.plant({ document: "site" });
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      assert.deepStrictEqual(
        cloud.mutations().map((mutation) => mutation.operation),
        ["create", "create"],
        "anybody who can set a tag could have ours removed",
      );
    }),
  );

  it.effect("another compartment's members of the same name are not seen", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      const inThere: ReadonlyArray<Partial<FakeMachine>> = [
        { owner: "us", name: { set: "web", slot: 1, generation: 1 } },
        { owner: "them" },
        { owner: null },
      ];
      for (const one of inThere) cloud.plant({ document: "site", compartment: "c2", ...one });
      const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      assert.strictEqual(cloud.mutations().length, 2);
      assert.strictEqual(turn.statuses[0]!.members.length, 2);
    }),
  );
});

describe("law 4: adoption", () => {
  it.effect("of exactly the named members, and gone once it is done", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      const [first, second] = [1, 2].map(() => cloud.plant({ document: "site" }));
      yield* wish(store, second!.id);
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      const owners = new Map(cloud.machines().map((machine) => [machine.id, machine.owner]));
      assert.strictEqual(owners.get(first!.id), null);
      assert.strictEqual(owners.get(second!.id), "us");
      const records = yield* store.load("us");
      assert.deepStrictEqual(
        records.filter((record) => record._tag === "Adoption"),
        [],
      );
      const entry = (yield* store.auditEntries(0, 100)).find((one) => one.action === "adopt");
      assert.include(entry!.targets, second!.id);
      assert.include(entry!.reason.text, "ann");
    }),
  );

  it.effect("by if-match: a member that changed since the plan is not marked", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      const { id } = cloud.plant({ document: "site" });
      yield* wish(store, id);
      let edits = 0;
      const handler = {
        ...cloud.handler,
        look: (...args: Parameters<typeof cloud.handler.look>) => {
          cloud.edit(id, { displayName: `edited-${(edits += 1)}` });
          return cloud.handler.look(...args);
        },
      };
      const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(1)], handler });
      assert.deepStrictEqual(new Set(turn.outcomes.map((one) => one.result)), new Set(["stale"]));
      assert.deepStrictEqual(cloud.mutations(), []);
    }),
  );

  it.effect("from another owner only when the wish names that owner, and all of its members", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      const [first, second] = [1, 2].map((slot) =>
        cloud.plant({ document: "site", owner: "them", name: { set: "web", slot, generation: 1 } }),
      );
      for (const { id } of [first!, second!]) yield* wish(store, id, { from: "somebody" });
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      assert.deepStrictEqual(cloud.mutations(), []);
      yield* wish(store, first!.id, { from: "them" });
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      assert.deepStrictEqual(cloud.mutations(), []);
      yield* wish(store, second!.id, { from: "them" });
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      assert.deepStrictEqual(
        cloud.mutations().map((mutation) => mutation.operation),
        ["mark", "mark"],
      );
    }),
  );

  it.effect(
    "into a group that is not there: the member still counts, nothing is launched beside it",
    () =>
      Effect.gen(function* () {
        const cloud = makeFakeCloud();
        const store = makeMemoryStore();
        const { id } = cloud.plant({ document: "site" });
        yield* wish(store, id, { set: "wbe" });
        yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] });
        assert.deepStrictEqual(cloud.mutations(), []);
      }),
  );

  it.effect("gives no name that a launch in flight already has", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      cloud.faults.lost.set("create", 1_000);
      cloud.faults.listLagMillis = 90_000;
      yield* whileTimePasses(fakeTurn({ cloud, store, documents: [fleetOf(1)] }), "100 millis");
      assert.strictEqual(cloud.mutations().length, 1);
      cloud.faults.lost.clear();
      const { id } = cloud.plant({ document: "site" });
      yield* wish(store, id);
      yield* TestClock.adjust("31 seconds");
      yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] });
      yield* TestClock.adjust("5 minutes");
      const names = living(cloud, "site");
      assert.deepStrictEqual(names, [...new Set(names)]);
    }),
  );

  it.effect(
    "one of ours whose mark cannot be read waits: it fills a place, and nothing is done",
    () =>
      Effect.gen(function* () {
        const cloud = makeFakeCloud();
        const store = makeMemoryStore();
        cloud.plant({ document: "site", owner: "us", name: null });
        const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] });
        assert.deepStrictEqual(cloud.mutations(), []);
        assert.deepStrictEqual(
          turn.left[0]!.outside.map(({ why, counts }) => ({ why, counts })),
          [{ why: "unplaced", counts: true }],
        );
      }),
  );
});
