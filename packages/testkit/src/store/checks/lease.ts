// What a store promises of the lease: a compare-and-set, one winner per version, and never forgotten.

import * as Effect from "effect/Effect";
import { expectRefusal, expectSame } from "../check.ts";
import type { StoreCheck } from "../check.ts";
import { hardText } from "../samples.ts";

const claim = { owner: "owner-a", holder: "one", expected: 0, expiresAt: 1_000 };

export const leaseChecks: ReadonlyArray<StoreCheck> = [
  {
    name: "a lease that nobody ever held has version 0 and no holder",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const never = { version: 0, holder: null, expiresAt: 0 };
        yield* expectSame("lease", yield* store.lease("owner-a"), never);
      }),
  },
  {
    name: "a claim raises the version by one and is seen as it was answered",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        for (const expected of [0, 1, 2]) {
          const holder = `${expected} ${hardText}`;
          const lease = yield* store.claimLease({
            ...claim,
            holder,
            expected,
            expiresAt: expected,
          });
          const seen = { version: expected + 1, holder, expiresAt: expected };
          yield* expectSame("answer", lease, seen);
          yield* expectSame("lease", yield* store.lease("owner-a"), seen);
        }
      }),
  },
  {
    name: "a claim on a version that is not the current one answers nothing and changes nothing",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        yield* expectSame("early", yield* store.claimLease({ ...claim, expected: 1 }), null);
        yield* store.claimLease(claim);
        const lease = yield* store.lease("owner-a");
        for (const expected of [0, 2, 7]) {
          const late = { ...claim, holder: "two", expected };
          yield* expectSame("late", yield* store.claimLease(late), null);
        }
        yield* expectSame("lease", yield* store.lease("owner-a"), lease);
      }),
  },
  {
    name: "of ten claims on one version at the same time exactly one wins",
    run: (ground) =>
      Effect.gen(function* () {
        const stores = [yield* ground.open, yield* ground.open];
        const claimants = Array.from({ length: 10 }, (_, at) => at);
        const answers = yield* Effect.forEach(
          claimants,
          (at) => stores[at % 2]!.claimLease({ ...claim, holder: `holder-${at}` }),
          { concurrency: "unbounded" },
        );
        const winners = answers.filter((answer) => answer !== null);
        yield* expectSame("winners", winners.length, 1);
        yield* expectSame("lease", yield* stores[0]!.lease("owner-a"), winners[0] ?? null);
      }),
  },
  {
    name: "each owner has a lease of its own",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        yield* store.claimLease(claim);
        const other = yield* store.claimLease({ ...claim, owner: "owner-b", holder: "two" });
        yield* expectSame("other", other?.version ?? null, 1);
        yield* expectSame("holder", (yield* store.lease("owner-a")).holder, "one");
      }),
  },
  {
    name: "a claim with a time or version that is no whole number is refused",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        for (const wrong of [{ expiresAt: Number.NaN }, { expiresAt: 0.5 }, { expected: -1 }]) {
          const what = `claim with ${JSON.stringify(wrong)}`;
          yield* expectRefusal(what, store.claimLease({ ...claim, ...wrong }), "Corrupt");
        }
        yield* expectSame("version", (yield* store.lease("owner-a")).version, 0);
      }),
  },
];
