// Law 7: a run's lease fences the store as well, against runs that slept and people who work on it.

import { describe, expect, it } from "@effect/vitest";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import * as TestClock from "effect/testing/TestClock";
import { makeStoreLease } from "@muster/core/lease/store-lease";
import { makeMemoryStore } from "@muster/core/store/memory";
import { Store, StoreError, type StoreShape } from "@muster/core/store/store";
import { fetchBranch } from "../src/fetch.ts";
import type { Git } from "../src/git.ts";
import { makeWatchedLease } from "../src/watched-lease.ts";
import { gitOf, makeBody } from "./bodies.ts";
import { gitLayer, makeSandbox, type Sandbox } from "./sandbox.ts";

const owner = "us";
const ref = "refs/heads/muster/lease/default";

const test = <A, E>(name: string, body: () => Effect.Effect<A, E, Git | Scope.Scope>): void =>
  it.effect(name, () => Effect.provide(Effect.scoped(body()), gitLayer));

const ready = Effect.gen(function* () {
  const sandbox = yield* makeSandbox;
  sandbox.commit({ a: "1" });
  sandbox.pushMain();
  const store = makeMemoryStore();
  const faults: { next: "refuses" | "loses the answer" | null } = { next: null };
  const { lease } = yield* watchedOn(sandbox, flaky(store, faults), {
    owner,
    environment: "default",
  });
  return { sandbox, store, faults, lease, claim: Effect.flatMap(lease.look, lease.claim) };
});

const watchedOn = Effect.fnUntraced(function* (
  sandbox: Sandbox,
  store: StoreShape,
  whose: { readonly owner: string; readonly environment: string },
) {
  const place = { ...sandbox, ...whose };
  yield* fetchBranch({ ...place, branch: "main" });
  return yield* makeWatchedLease({ ...place, holder: "runner" }).pipe(
    Effect.provideService(Store, store),
  );
});

/** Its next claim fails, whether or not it was written. */
const flaky = (
  store: StoreShape,
  faults: { next: "refuses" | "loses the answer" | null },
): StoreShape => ({
  ...store,
  claimLease: (claim) =>
    Effect.suspend(() => {
      const fault = faults.next;
      faults.next = null;
      if (fault === null) return store.claimLease(claim);
      const written = fault === "refuses" ? Effect.void : Effect.asVoid(store.claimLease(claim));
      return Effect.andThen(written, Effect.fail(gone));
    }),
});

const gone = new StoreError({ reason: "Unavailable", place: "memory:", message: "disk full" });

/** A person's apply on this store, from its claim to its release. */
const applied = (store: StoreShape) =>
  Effect.scoped(
    Effect.gen(function* () {
      const lease = makeStoreLease({ store, owner, holder: "ann" });
      const held = yield* lease.claim(yield* lease.look);
      yield* held.commit({ owner, puts: [head("hers")] });
    }),
  );

const head = (commit: string) => ({ _tag: "Head", branch: "main", commit }) as const;

describe("the lease of a run", () => {
  test("lets a commit through that comes in time", () =>
    Effect.gen(function* () {
      const { store, claim } = yield* ready;
      const held = yield* claim;
      yield* held.commit!({ owner, puts: [head("a")] });
      expect(yield* store.load(owner)).toEqual([head("a")]);
    }));

  test("refuses a commit that passed its check before another run began, and arrives after", () =>
    Effect.gen(function* () {
      const { store, claim } = yield* ready;
      const held = yield* claim;
      const { version } = yield* store.lease(owner);
      yield* store.claimLease({ owner, expected: version, holder: "other", expiresAt: 0 });
      yield* held.check;
      const late = yield* Effect.flip(held.commit!({ owner, puts: [head("late")] }));
      expect(late.reason).toBe("Fenced");
      expect(yield* store.load(owner)).toEqual([]);
    }));

  test("is not claimed for a plan that is older than what a person applied", () =>
    Effect.gen(function* () {
      const { sandbox, store, lease, claim } = yield* ready;
      const sighting = yield* lease.look;
      yield* applied(store);
      expect(yield* Effect.flip(lease.claim(sighting))).toMatchObject({ reason: "Taken" });
      expect(sandbox.at(ref)).toBe("");
      const held = yield* claim;
      yield* held.commit!({ owner, puts: [head("a")] });
      expect(yield* store.load(owner)).toEqual([head("a")]);
    }));

  test("is fenced by a person who applies while it works, and is claimed again afterwards", () =>
    Effect.gen(function* () {
      const { store, lease, claim } = yield* ready;
      const first = yield* Scope.make();
      const held = yield* Effect.flatMap(lease.look, lease.claim).pipe(Scope.provide(first));
      yield* applied(store);
      const late = yield* Effect.flip(held.commit!({ owner, puts: [head("late")] }));
      expect(late.reason).toBe("Fenced");
      yield* Scope.close(first, Exit.void);
      const next = yield* claim;
      yield* next.commit!({ owner, puts: [head("a")] });
      expect(yield* store.load(owner)).toEqual([head("a")]);
    }));

  test("is let go when the store cannot follow the claim, and is claimed when it can", () =>
    Effect.gen(function* () {
      const { sandbox, store, faults, claim } = yield* ready;
      for (const what of ["refuses", "loses the answer"] as const) {
        faults.next = what;
        const failed = yield* Effect.flip(Effect.scoped(claim));
        expect(failed.reason).toBe("Unavailable");
        expect(sandbox.inRemote("", "log", "-1", "--format=%s", ref)).toMatch(/released$/u);
      }
      const held = yield* claim;
      yield* held.commit!({ owner, puts: [head("a")] });
      expect(yield* store.load(owner)).toEqual([head("a")]);
    }));

  test("is not moved by what a person records meanwhile: both stay", () =>
    Effect.gen(function* () {
      const { store, claim } = yield* ready;
      const held = yield* claim;
      const document = { kind: "FakeFleet", name: "site" };
      const wish = { by: "ann", reason: "x", at: "2026-05-01T12:00:00.000Z" };
      const until = "2026-05-01T13:00:00.000Z";
      yield* store.commit({ owner, puts: [{ _tag: "Suspension", document, ...wish, until }] });
      yield* held.commit!({ owner, puts: [head("a")] });
      const records = yield* store.load(owner);
      expect(records.map(({ _tag }) => _tag)).toEqual(["Head", "Suspension"]);
    }));

  test("is waited out by the same host when it starts again after its death", () =>
    Effect.gen(function* () {
      const { sandbox, store } = yield* ready;
      const whose = { owner, environment: "default" };
      const body = makeBody();
      yield* Effect.addFinalizer(() => body.bury);
      const first = yield* watchedOn(sandbox, store, whose).pipe(Effect.provide(gitOf(body)));
      const dead = yield* Effect.flatMap(first.lease.look, first.lease.claim).pipe(
        Scope.provide(yield* Scope.make()),
      );
      body.at(1, "dies");
      const { lease } = yield* watchedOn(sandbox, store, whose);
      const claim = Effect.flatMap(lease.look, lease.claim);
      expect(yield* Effect.flip(claim)).toMatchObject({ reason: "Taken", heldUntil: 120_000 });
      yield* TestClock.adjust(120_000);
      const held = yield* claim;
      expect((yield* Effect.flip(dead.commit!({ owner, puts: [head("late")] }))).reason).toBe(
        "Fenced",
      );
      yield* held.commit!({ owner, puts: [head("a")] });
      expect(yield* store.load(owner)).toEqual([head("a")]);
    }));

  test("is no business of another owner's on the same store", () =>
    Effect.gen(function* () {
      const { sandbox, store, claim } = yield* ready;
      const held = yield* claim;
      const { lease } = yield* watchedOn(sandbox, store, { owner: "them", environment: "other" });
      const theirs = yield* Effect.flatMap(lease.look, lease.claim);
      yield* held.commit!({ owner, puts: [head("a")] });
      yield* theirs.commit!({ owner: "them", puts: [head("b")] });
      expect(yield* store.load(owner)).toEqual([head("a")]);
      expect(yield* store.load("them")).toEqual([head("b")]);
    }));

  test("keeps nobody out of the store: the next claim is free at once", () =>
    Effect.gen(function* () {
      const { store, claim } = yield* ready;
      yield* claim;
      expect((yield* store.lease(owner)).expiresAt).toBeLessThan(1);
    }));

  test("waits for a person who works on the same store, and moves no branch meanwhile", () =>
    Effect.gen(function* () {
      const { sandbox, store, claim } = yield* ready;
      const until = (yield* Clock.currentTimeMillis) + 30_000;
      yield* store.claimLease({ owner, expected: 0, holder: "ann", expiresAt: until });
      expect(yield* Effect.flip(claim)).toMatchObject({ reason: "Taken", heldUntil: until });
      expect(sandbox.at(ref)).toBe("");
      yield* TestClock.adjust(30_000);
      const held = yield* claim;
      yield* held.commit!({ owner, puts: [head("a")] });
      expect(yield* store.load(owner)).toEqual([head("a")]);
    }));
});
