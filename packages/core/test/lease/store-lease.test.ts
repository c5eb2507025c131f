// The lease in the store: one holder, take-over after expiry, and a holder that wakes too late is fenced.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Scope from "effect/Scope";
import * as TestClock from "effect/testing/TestClock";
import { makeStoreLease } from "../../src/lease/store-lease.ts";
import type { StoreHeldLease } from "../../src/lease/store-lease.ts";
import type { LeaseError } from "../../src/lease/lease.ts";
import { makeMemoryDisk, makeMemoryStore } from "../../src/store/memory.ts";
import type { MemoryDisk } from "../../src/store/memory.ts";
import { StoreError } from "../../src/store/store.ts";
import type { StoreShape } from "../../src/store/store.ts";
import type { StoreRecord } from "../../src/words/record.ts";

const owner = "owner-a";
const record: StoreRecord = { _tag: "Head", branch: "main", commit: "c0ffee" };

const leaseOn = (disk: MemoryDisk, holder: string, change?: Partial<StoreShape>) =>
  makeStoreLease({ store: { ...makeMemoryStore({ disk }), ...change }, owner, holder });

const lookAndClaim = (
  lease: ReturnType<typeof leaseOn>,
): Effect.Effect<StoreHeldLease, LeaseError, Scope.Scope> =>
  Effect.flatMap(lease.look, lease.claim);

/** A store whose lease answers only while `on` says so, and what it did all along. */
const switchable = (disk: MemoryDisk) => {
  const store = makeMemoryStore({ disk });
  const state = { mode: "on" as "on" | "frozen" | "failing" | "unanswered", claims: 0 };
  const failure = new StoreError({ reason: "Unavailable", place: "memory:", message: "away" });
  const claimLease: StoreShape["claimLease"] = (claim) =>
    Effect.suspend(() => {
      state.claims += 1;
      if (state.mode === "frozen") return Effect.never;
      if (state.mode === "failing") return Effect.fail(failure);
      if (state.mode === "on") return store.claimLease(claim);
      return Effect.andThen(store.claimLease(claim), Effect.fail(failure));
    });
  return { state, claimLease };
};

describe("makeStoreLease", () => {
  it.effect("sees a free lease, claims it, and is then seen as the holder", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const lease = leaseOn(disk, "one");
      assert.deepStrictEqual(yield* lease.look, {
        version: 0,
        holder: null,
        heldUntil: null,
        handle: "0",
      });
      const held = yield* lookAndClaim(lease);
      assert.strictEqual(held.version, 1);
      assert.strictEqual(held.storeFence, 1);
      const seen = yield* leaseOn(disk, "two").look;
      assert.match(seen.holder ?? "", /^one#[0-9a-f]{8}$/);
      assert.strictEqual(seen.heldUntil, 30_000);
      yield* held.check;
    }),
  );

  it.effect("refuses what somebody else holds, and says who, until when, and what then", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      yield* lookAndClaim(leaseOn(disk, "one"));
      const error = yield* Effect.flip(lookAndClaim(leaseOn(disk, "two")));
      assert.strictEqual(error.reason, "Taken");
      assert.match(error.message, /^one#\S+ holds the lease until 1970-01-01T00:00:30\.000Z$/);
      assert.include(error.remedy ?? "", "taken over");
    }),
  );

  it.effect("gives a free lease to one of two that saw the same version", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const [one, two] = [leaseOn(disk, "one"), leaseOn(disk, "two")];
      const [seenByOne, seenByTwo] = [yield* one.look, yield* two.look];
      yield* two.claim(seenByTwo);
      const error = yield* Effect.flip(one.claim(seenByOne));
      assert.strictEqual(error.reason, "Taken");
      assert.include(error.message, "two#");
    }),
  );

  it.effect("does not give a version that was seen before anyone's apply, though it is free", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const [one, two] = [leaseOn(disk, "one"), leaseOn(disk, "two")];
      const before = yield* one.look;
      yield* Effect.scoped(lookAndClaim(two));
      assert.strictEqual((yield* Effect.flip(one.claim(before))).reason, "Taken");
      yield* lookAndClaim(one);
    }),
  );

  it.effect(
    "releases when the scope closes: the version rises, and it can be claimed at once",
    () =>
      Effect.gen(function* () {
        const disk = makeMemoryDisk();
        const lease = leaseOn(disk, "one");
        yield* Effect.scoped(lookAndClaim(lease));
        const seen = yield* lease.look;
        assert.strictEqual(seen.version, 2);
        assert.strictEqual(seen.heldUntil, null);
        assert.strictEqual((yield* makeMemoryStore({ disk }).lease(owner)).expiresAt, 0);
        assert.strictEqual((yield* lookAndClaim(leaseOn(disk, "two"))).version, 3);
      }),
  );

  it.effect("renews at a third, and the fence follows", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const store = makeMemoryStore({ disk });
      const held = yield* lookAndClaim(leaseOn(disk, "one"));
      yield* TestClock.adjust("9999 millis");
      assert.strictEqual((yield* store.lease(owner)).version, 1);
      yield* TestClock.adjust("1 millis");
      const renewed = yield* store.lease(owner);
      assert.strictEqual(renewed.version, 2);
      assert.strictEqual(renewed.expiresAt, 40_000);
      assert.strictEqual(held.storeFence, 2);
      yield* TestClock.adjust("10 minutes");
      yield* held.check;
      yield* store.commit({ owner, fence: held.storeFence, puts: [record] });
      const stale = yield* Effect.flip(store.commit({ owner, fence: 1, puts: [record] }));
      assert.strictEqual(stale.reason, "Fenced");
    }),
  );

  it.effect("can be taken over once it ran out; the frozen holder is fenced when it goes on", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const { state, claimLease } = switchable(disk);
      const frozen = yield* lookAndClaim(leaseOn(disk, "frozen", { claimLease }));
      state.mode = "frozen";
      yield* TestClock.adjust("29999 millis");
      assert.strictEqual((yield* Effect.flip(lookAndClaim(leaseOn(disk, "next")))).reason, "Taken");
      yield* TestClock.adjust("1 millis");
      const next = yield* lookAndClaim(leaseOn(disk, "next"));
      state.mode = "on";

      assert.strictEqual((yield* Effect.flip(frozen.check)).reason, "Lost");
      assert.strictEqual((yield* Effect.flip(frozen.lost)).reason, "Lost");
      const store = makeMemoryStore({ disk });
      const late = { owner, fence: frozen.storeFence, puts: [record] };
      assert.strictEqual((yield* Effect.flip(store.commit(late))).reason, "Fenced");
      const under = yield* Effect.flip(frozen.commit({ owner, puts: [record] }));
      assert.strictEqual(under.reason, "Fenced");
      assert.deepStrictEqual(yield* store.load(owner), []);

      yield* next.check;
      yield* next.commit({ owner, puts: [record] });
      assert.deepStrictEqual(yield* store.load(owner), [record]);
    }),
  );

  it.effect("does not release what it lost", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const { state, claimLease } = switchable(disk);
      const scope = yield* Scope.make();
      yield* Scope.provide(lookAndClaim(leaseOn(disk, "frozen", { claimLease })), scope);
      state.mode = "frozen";
      yield* TestClock.adjust("30 seconds");
      state.mode = "on";
      yield* lookAndClaim(leaseOn(disk, "next"));
      const before = yield* makeMemoryStore({ disk }).lease(owner);
      const claims = state.claims;
      yield* Scope.close(scope, Exit.void);
      assert.strictEqual(state.claims, claims);
      assert.deepStrictEqual(yield* makeMemoryStore({ disk }).lease(owner), before);
    }),
  );

  it.effect("fails the check as soon as less than the margin is left, and not before", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const { state, claimLease } = switchable(disk);
      const held = yield* lookAndClaim(leaseOn(disk, "one", { claimLease }));
      state.mode = "failing";
      yield* TestClock.adjust("11999 millis");
      yield* held.check;
      yield* TestClock.adjust("1 millis");
      assert.strictEqual((yield* Effect.flip(held.check)).reason, "Lost");
    }),
  );

  it.effect("counts its time from before the request was sent, not from its answer", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const store = makeMemoryStore({ disk });
      const claimLease: StoreShape["claimLease"] = (claim) =>
        Effect.tap(store.claimLease(claim), () =>
          claim.expected === 0 ? Effect.sleep("25 seconds") : Effect.void,
        );
      const claiming = yield* Effect.forkChild(lookAndClaim(leaseOn(disk, "one", { claimLease })));
      yield* TestClock.adjust("25 seconds");
      const held = yield* Fiber.join(claiming);
      assert.strictEqual((yield* Effect.flip(held.check)).reason, "Lost");
    }),
  );

  it.effect("counts a renewal, too, from before it was sent", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const store = makeMemoryStore({ disk });
      const claimLease: StoreShape["claimLease"] = (claim) =>
        Effect.tap(store.claimLease(claim), () =>
          claim.expected === 1 ? Effect.sleep("10 seconds") : Effect.void,
        );
      const held = yield* lookAndClaim(leaseOn(disk, "one", { claimLease }));
      yield* TestClock.adjust("20 seconds");
      assert.strictEqual(held.storeFence, 2);
      yield* held.check;
      yield* TestClock.adjust("2 seconds");
      assert.strictEqual((yield* Effect.flip(held.check)).reason, "Lost");
    }),
  );

  it.effect("tries again after a renewal that failed, and holds on when one succeeds in time", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const { state, claimLease } = switchable(disk);
      const held = yield* lookAndClaim(leaseOn(disk, "one", { claimLease }));
      state.mode = "failing";
      yield* TestClock.adjust("25 seconds");
      assert.isAbove(state.claims, 4);
      state.mode = "on";
      yield* TestClock.adjust("4 seconds");
      yield* held.check;
      yield* TestClock.adjust("1 minute");
      yield* held.check;
    }),
  );

  it.effect("recognises its own renewal whose answer never came", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const { state, claimLease } = switchable(disk);
      const held = yield* lookAndClaim(leaseOn(disk, "one", { claimLease }));
      state.mode = "unanswered";
      yield* TestClock.adjust("10 seconds");
      assert.strictEqual((yield* makeMemoryStore({ disk }).lease(owner)).version, 2);
      state.mode = "on";
      yield* TestClock.adjust("5 seconds");
      assert.strictEqual(held.storeFence, 3);
      yield* held.check;
      yield* held.commit({ owner, puts: [record] });
    }),
  );

  it.effect("is lost when a renewal finds another holder", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const held = yield* lookAndClaim(leaseOn(disk, "one"));
      const lost = yield* Effect.forkChild(Effect.flip(held.lost));
      const claim = { owner, holder: "thief", expected: 1, expiresAt: 99_000 };
      yield* makeMemoryStore({ disk }).claimLease(claim);
      yield* TestClock.adjust("10 seconds");
      const error = yield* Fiber.join(lost);
      assert.strictEqual(error.reason, "Lost");
      assert.include(error.message, "took the lease over");
      assert.strictEqual((yield* Effect.flip(held.check)).reason, "Lost");
    }),
  );

  it.effect("interrupts work that races with its loss", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const { state, claimLease } = switchable(disk);
      const held = yield* lookAndClaim(leaseOn(disk, "one", { claimLease }));
      const work = yield* Effect.forkChild(Effect.flip(Effect.raceFirst(Effect.never, held.lost)));
      state.mode = "failing";
      yield* TestClock.adjust("30 seconds");
      assert.include((yield* Fiber.join(work)).message, "ran out");
    }),
  );

  it.effect("commits though a renewal moves the fence while the commit is under way", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const store = makeMemoryStore({ disk });
      const commit: StoreShape["commit"] = (batch) =>
        Effect.andThen(Effect.sleep("2 seconds"), store.commit(batch));
      const held = yield* lookAndClaim(leaseOn(disk, "one", { commit }));
      yield* TestClock.adjust("9 seconds");
      const committing = yield* Effect.forkChild(held.commit({ owner, puts: [record] }));
      yield* TestClock.adjust("1 minute");
      yield* Fiber.join(committing);
      assert.deepStrictEqual(yield* store.load(owner), [record]);
    }),
  );

  it.effect("says that the store is away, with the store's words", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const { state, claimLease } = switchable(disk);
      state.mode = "failing";
      const error = yield* Effect.flip(lookAndClaim(leaseOn(disk, "one", { claimLease })));
      assert.strictEqual(error.reason, "Unavailable");
      assert.strictEqual(error.message, "memory:: away");
    }),
  );
});
