// Law 7: a run's lease fences the store as well, against runs that slept and people who work on it.

import { describe, expect, it } from "@effect/vitest";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore } from "@muster/core/store/memory";
import { Store } from "@muster/core/store/store";
import { fetchBranch } from "../src/fetch.ts";
import type { Git } from "../src/git.ts";
import { makeWatchedLease } from "../src/watched-lease.ts";
import { gitLayer, makeSandbox } from "./sandbox.ts";

const owner = "us";
const ref = "refs/heads/muster/lease/default";

const test = <A, E>(name: string, body: () => Effect.Effect<A, E, Git | Scope.Scope>): void =>
  it.effect(name, () => Effect.provide(Effect.scoped(body()), gitLayer));

const ready = Effect.gen(function* () {
  const sandbox = yield* makeSandbox;
  sandbox.commit({ a: "1" });
  sandbox.pushMain();
  const place = { ...sandbox, environment: "default" };
  yield* fetchBranch({ ...place, branch: "main" });
  const store = makeMemoryStore();
  const { lease } = yield* makeWatchedLease({ ...place, owner, holder: "runner" }).pipe(
    Effect.provideService(Store, store),
  );
  return { sandbox, store, claim: Effect.flatMap(lease.look, lease.claim) };
});

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
