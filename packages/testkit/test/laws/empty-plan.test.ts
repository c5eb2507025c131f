// Law 2: after a clean apply nothing is left to do, and a converged loop writes nothing anywhere.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import * as TestClock from "effect/testing/TestClock";
import { effectiveChanges } from "@muster/core/words/plan";
import { ProviderError } from "@muster/core/words/provider";
import { makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { type FakeDocument, fakeTurn, fleetOf } from "../../src/fleet/turn.ts";

const count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 }));

const Group = Schema.Struct({ present: Schema.Boolean, renamed: Schema.Boolean, count });
const Drawn = Schema.Struct({
  present: Schema.Boolean,
  renamed: Schema.Boolean,
  groups: Schema.Tuple([Group, Group]),
});
const Commit = Schema.Struct({ documents: Schema.Tuple([Drawn, Drawn, Drawn]) });

/** A document of this commit; its names follow from the commit before where it is renamed. */
const documentOf = (
  drawn: typeof Drawn.Type,
  index: number,
  before: ReadonlyArray<FakeDocument>,
): ReadonlyArray<FakeDocument> => {
  if (!drawn.present) return [];
  const former = before.find((one) => one.name.startsWith(`fleet-${index}-`));
  const name = former?.name ?? `fleet-${index}-a`;
  const renamed = drawn.renamed && former !== undefined;
  const groups = drawn.groups.flatMap((group, at) => {
    if (!group.present) return [];
    const old = former?.spec.groups.find((one) => one.name.startsWith(`g${at}`))?.name;
    const moves = group.renamed && old !== undefined;
    const own = old ?? `g${at}a`;
    return [
      {
        name: moves ? turned(own) : own,
        count: group.count,
        ...(moves ? { previousName: own } : {}),
      },
    ];
  });
  return [
    {
      name: renamed ? turned(name) : name,
      ...(renamed ? { previousName: name } : {}),
      spec: { groups },
      file: `${index}.json`,
    },
  ];
};

const turned = (name: string): string =>
  name.endsWith("a") ? `${name.slice(0, -1)}b` : `${name.slice(0, -1)}a`;

const denied = new ProviderError({ reason: "Denied", operation: "List", message: "no" });

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

  it.effect.prop(
    "over commits that add, drop, rename and resize documents and groups",
    { commits: Schema.Array(Commit).check(Schema.isMinLength(1), Schema.isMaxLength(5)) },
    ({ commits }) =>
      Effect.gen(function* () {
        const cloud = makeFakeCloud();
        const { store, writes } = counting(makeMemoryStore());
        let before: ReadonlyArray<FakeDocument> = [];
        for (const commit of commits) {
          const documents = commit.documents.flatMap((drawn, index) =>
            documentOf(drawn, index, before),
          );
          const applied = yield* fakeTurn({ cloud, store, documents });
          assert.deepStrictEqual(applied.diagnostics, []);
          assert.deepStrictEqual(applied.left.flatMap(effectiveChanges), []);
          yield* TestClock.adjust("2 hours");
          const settled = { ...writes, mutations: cloud.mutations().length };
          for (let turn = 0; turn < 2; turn += 1) {
            const again = yield* fakeTurn({ cloud, store, documents });
            assert.deepStrictEqual(again.plans.flatMap(effectiveChanges), []);
            assert.strictEqual(again.lease, null);
            yield* TestClock.adjust("2 hours");
          }
          assert.deepStrictEqual({ ...writes, mutations: cloud.mutations().length }, settled);
          before = documents;
        }
      }),
    { timeout: 60_000, arbitrary: { runs: 40 } },
  );

  it.effect("after an adoption, an orphaning, a refusal and a blocked launch: quiet", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const { store, writes } = counting(makeMemoryStore());
      yield* fakeTurn({ cloud, store, documents: [fleetOf(1, "gone"), fleetOf(1)] });
      const adopted = cloud.plant({ document: "site" });
      const document = { kind: "FakeFleet", name: "site" };
      const at = "2026-05-01T12:00:00.000Z";
      const wish = {
        document,
        id: adopted.id,
        from: null,
        set: "web",
        by: "ann",
        reason: "ours",
        at,
      };
      yield* store.commit({ owner: "us", puts: [{ _tag: "Adoption", ...wish }] });
      cloud.plant({ document: "theirs", owner: "them" });
      cloud.faults.blocked.set("stuck", {
        reason: "Invalid",
        message: "no image",
        remedy: "name one",
      });
      cloud.faults.blind.set("dark", denied);
      const documents = [fleetOf(2), fleetOf(2, "theirs"), fleetOf(2, "stuck"), fleetOf(2, "dark")];
      yield* fakeTurn({ cloud, store, documents });
      const settled = { ...writes, mutations: cloud.mutations().length };
      for (let turn = 0; turn < 3; turn += 1) {
        yield* TestClock.adjust("3 hours");
        const again = yield* fakeTurn({ cloud, store, documents });
        assert.strictEqual(again.lease, null);
      }
      assert.deepStrictEqual({ ...writes, mutations: cloud.mutations().length }, settled);
    }),
  );
});
