import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import { effectiveChanges } from "@muster/core/words/plan";
import { makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { fakeTurn, fleetOf } from "../../src/fleet/turn.ts";

const count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 }));

/** Counts what is really written. */
const counting = (store: StoreShape) => {
  const writes = { commits: 0, claims: 0 };
  const counted: StoreShape = {
    ...store,
    commit: (batch) => {
      writes.commits += 1;
      return store.commit(batch);
    },
    claimLease: (claim) => {
      writes.claims += 1;
      return store.claimLease(claim);
    },
  };
  return { store: counted, writes };
};

describe("law 2: empty plan", () => {
  it.effect.prop(
    "after a clean apply the next plan is all keep, and a converged turn writes nothing",
    { counts: Schema.Array(count).check(Schema.isMinLength(1), Schema.isMaxLength(5)) },
    ({ counts }) =>
      Effect.gen(function* () {
        const cloud = makeFakeCloud();
        const { store, writes } = counting(makeMemoryStore());
        for (const asked of counts) {
          const documents = [fleetOf(asked)];
          const applied = yield* fakeTurn({ cloud, store, documents });
          assert.deepStrictEqual(applied.left.flatMap(effectiveChanges), []);
          const alive = cloud.machines().filter((machine) => machine.phase === "running");
          assert.strictEqual(alive.length, asked);
          const before = { ...writes, mutations: cloud.mutations().length };
          const again = yield* fakeTurn({ cloud, store, documents });
          assert.deepStrictEqual(again.plans.flatMap(effectiveChanges), []);
          assert.deepStrictEqual({ ...writes, mutations: cloud.mutations().length }, before);
          assert.strictEqual(again.lease, null);
        }
      }),
  );

  it.effect("twice planned is the same digest, and apply does exactly what was planned", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      const documents = [fleetOf(3)];
      const one = yield* fakeTurn({ cloud, store, documents, mode: "plan" });
      const two = yield* fakeTurn({ cloud, store, documents, mode: "plan" });
      assert.deepStrictEqual(one.plans, two.plans);
      const applied = yield* fakeTurn({ cloud, store, documents });
      assert.deepStrictEqual(
        applied.outcomes.map((outcome) => outcome.change.key),
        effectiveChanges(one.plans[0]!).map((change) => change.key),
      );
      assert.deepStrictEqual(
        cloud.mutations().map((mutation) => mutation.name),
        ["web-1.1", "web-2.1", "web-3.1"],
      );
    }),
  );
});
