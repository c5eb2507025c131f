// Stealing the store's lease: the holder is fenced at once, and nobody else's claim is ever taken.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import { stealStoreLease } from "../../src/lease/steal.ts";
import { makeStoreLease } from "../../src/lease/store-lease.ts";
import { makeMemoryDisk, makeMemoryStore } from "../../src/store/memory.ts";
import type { StoreRecord } from "../../src/words/record.ts";

const owner = "owner-a";
const record: StoreRecord = { _tag: "Head", branch: "main", commit: "c0ffee" };

const ready = () => {
  const store = makeMemoryStore({ disk: makeMemoryDisk() });
  const claimAs = (holder: string) => {
    const lease = makeStoreLease({ store, owner, holder });
    return Effect.flatMap(lease.look, lease.claim);
  };
  return { store, claimAs, request: { store, owner, holder: "ann steals" } };
};

describe("stealStoreLease", () => {
  it.effect("fences the holder: its next write and its next renewal fail, and it hears so", () =>
    Effect.gen(function* () {
      const { store, claimAs, request } = ready();
      const held = yield* claimAs("frozen");
      yield* held.commit({ owner, puts: [record] });
      const stolen = yield* stealStoreLease(request, yield* store.lease(owner));
      assert.deepStrictEqual(stolen, { version: 2, holder: "ann steals", expiresAt: 0 });
      const late = yield* Effect.flip(held.commit({ owner, deletes: ["Head/main"] }));
      assert.strictEqual(late.reason, "Fenced");
      assert.deepStrictEqual(yield* store.load(owner), [record]);
      yield* TestClock.adjust("11 seconds");
      assert.strictEqual((yield* Effect.flip(held.check)).reason, "Lost");
      assert.strictEqual((yield* Effect.flip(held.lost)).reason, "Lost");
      assert.deepStrictEqual(yield* store.lease(owner), stolen);
    }),
  );

  it.effect("leaves it free: the next claim is a new version at once", () =>
    Effect.gen(function* () {
      const { store, claimAs, request } = ready();
      yield* claimAs("frozen");
      yield* stealStoreLease(request, yield* store.lease(owner));
      assert.strictEqual((yield* claimAs("next")).version, 3);
    }),
  );

  it.effect("takes the very claim that was seen, though it was renewed since", () =>
    Effect.gen(function* () {
      const { store, claimAs, request } = ready();
      yield* claimAs("frozen");
      const seen = yield* store.lease(owner);
      yield* TestClock.adjust("21 seconds");
      assert.strictEqual((yield* store.lease(owner)).version, 3);
      assert.strictEqual((yield* stealStoreLease(request, seen)).version, 4);
    }),
  );

  it.effect("never takes what somebody else claimed since it was looked at", () =>
    Effect.gen(function* () {
      const { store, claimAs, request } = ready();
      const first = yield* Effect.scoped(Effect.andThen(claimAs("one"), store.lease(owner)));
      const held = yield* claimAs("two");
      const error = yield* Effect.flip(stealStoreLease(request, first));
      assert.strictEqual(error._tag === "LeaseError" ? error.reason : "", "Taken");
      assert.include(error.message, "two#");
      yield* held.check;
      yield* held.commit({ owner, puts: [record] });
    }),
  );
});
