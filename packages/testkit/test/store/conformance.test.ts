// The conformance suite passes a good store and is red for stores with one planted fault each.

import { assert, describe, it } from "@effect/vitest";
import { makeMemoryDisk, makeMemoryStore, neverHeld } from "@muster/core/store/memory";
import type { MemoryDisk } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import { canonicalJson } from "@muster/core/words/canonical";
import { recordKey } from "@muster/core/words/record";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import type { StoreGround } from "../../src/store/check.ts";
import { storeConformance } from "../../src/store/conformance.ts";
import { journalledMemory } from "../../src/store/journalled-memory.ts";
import { storeChecks } from "../../src/store/store-checks.ts";

type Breaker = (store: StoreShape, disk: MemoryDisk) => StoreShape;

const groundOf = (breakIt: Breaker): Effect.Effect<StoreGround> =>
  Effect.sync(() => {
    const disk = makeMemoryDisk();
    return { open: Effect.sync(() => breakIt(makeMemoryStore({ disk }), disk)) };
  });

storeConformance(
  "memory",
  groundOf((store) => store),
);

describe("journalled memory", () => {
  // Opening again is a crash there, so only the checks that open once apply.
  const single = storeChecks.filter((check) => !/opened|50 commits|ten claims/.test(check.name));
  for (const check of single) {
    it.effect(check.name, () => Effect.scoped(check.run({ open: journalledMemory().reopen })));
  }
});

const faults: ReadonlyArray<{
  readonly fault: string;
  readonly breakIt: Breaker;
  /** Part of the name of a check that must be red. */
  readonly red: string;
}> = [
  {
    fault: "forgets the fence",
    breakIt: (store) => ({
      ...store,
      commit: ({ owner, puts = [], deletes = [], spent = [], audit = [] }) =>
        store.commit({ owner, puts, deletes, spent, audit }),
    }),
    red: "under the current lease",
  },
  {
    fault: "checks the fence of any owner's lease as if it were its own",
    breakIt: (store) => ({
      ...store,
      commit: ({ fence, ...batch }) =>
        fence === undefined
          ? store.commit(batch)
          : Effect.flatMap(store.lease("owner-b"), (lease) =>
              store.commit(lease.version === fence ? batch : { ...batch, fence }),
            ),
    }),
    red: "batch's own owner",
  },
  {
    fault: "does not fence an empty batch",
    breakIt: (store) => ({
      ...store,
      commit: (batch) =>
        [batch.puts, batch.deletes, batch.audit].some((part) => (part ?? []).length > 0)
          ? store.commit(batch)
          : store.auditHead,
    }),
    red: "an empty batch",
  },
  {
    fault: "writes records before it looks at the audit",
    breakIt: (store) => ({
      ...store,
      commit: ({ audit = [], ...batch }) =>
        Effect.andThen(store.commit(batch), store.commit({ owner: batch.owner, audit })),
    }),
    red: "an audit entry that could not be read back writes nothing",
  },
  {
    fault: "writes records one by one",
    breakIt: (store) => ({
      ...store,
      commit: ({ puts = [], ...batch }) =>
        Effect.andThen(
          Effect.forEach(puts, (put) => store.commit({ owner: batch.owner, puts: [put] })),
          store.commit(batch),
        ),
    }),
    red: "a record that could not be read back writes nothing",
  },
  {
    fault: "puts before it deletes",
    breakIt: (store) => ({
      ...store,
      commit: ({ deletes = [], ...batch }) =>
        Effect.andThen(store.commit(batch), store.commit({ owner: batch.owner, deletes })),
    }),
    red: "deletes come before puts",
  },
  {
    fault: "does not delete",
    breakIt: (store) => ({
      ...store,
      commit: (batch) => store.commit({ ...batch, deletes: [] }),
    }),
    red: "a deleted record is gone",
  },
  {
    fault: "deletes what is spent by its key alone",
    breakIt: (store) => ({
      ...store,
      commit: ({ spent = [], deletes = [], ...batch }) =>
        store.commit({ ...batch, deletes: [...deletes, ...spent.map(recordKey)] }),
    }),
    red: "what is spent is gone only where",
  },
  {
    fault: "keeps one share for all owners",
    breakIt: (store) => ({
      ...store,
      commit: (batch) => store.commit({ ...batch, owner: "all" }),
      load: () => store.load("all"),
    }),
    red: "owners do not see",
  },
  {
    fault: "folds names that are no valid Unicode",
    breakIt: (store) => ({
      ...store,
      commit: (batch) => store.commit({ ...batch, owner: batch.owner.toWellFormed() }),
      load: (owner) => store.load(owner.toWellFormed()),
    }),
    red: "the owners are those that have records",
  },
  {
    fault: "leaves a gap in the sequence",
    breakIt: (store) => ({
      ...store,
      auditEntries: (after, limit) =>
        Effect.map(store.auditEntries(after, limit), (entries) =>
          entries.map((entry) => (entry.seq > 3 ? { ...entry, seq: entry.seq + 1 } : entry)),
        ),
    }),
    red: "sealed to one chain across owners",
  },
  {
    fault: "alters an entry after it was sealed",
    breakIt: (store) => ({
      ...store,
      auditEntries: (after, limit) =>
        Effect.map(store.auditEntries(after, limit), (entries) =>
          entries.map((entry) =>
            entry.action === "second" ? { ...entry, action: "secant" } : entry,
          ),
        ),
    }),
    red: "sealed to one chain across owners",
  },
  {
    fault: "reads the head once and keeps it",
    breakIt: (store, disk) => {
      const kept = disk.image.head;
      return {
        ...store,
        commit: (batch) =>
          Effect.suspend(() => {
            disk.image = { ...disk.image, head: kept };
            return store.commit(batch);
          }),
      };
    },
    red: "50 commits at the same time",
  },
  {
    fault: "ignores the limit of a page",
    breakIt: (store) => ({
      ...store,
      auditEntries: (after) => store.auditEntries(after, 1_000),
    }),
    red: "entries come in pages",
  },
  {
    fault: "drops the parameters of an entry",
    breakIt: (store) => ({
      ...store,
      commit: ({ audit = [], ...batch }) =>
        store.commit({ ...batch, audit: audit.map((draft) => ({ ...draft, parameters: {} })) }),
    }),
    red: "an entry says what its draft said",
  },
  {
    fault: "looks at the lease first and writes it later",
    breakIt: (store, disk) => ({
      ...store,
      claimLease: (claim) =>
        Effect.gen(function* () {
          const seen = yield* store.lease(claim.owner);
          if (seen.version !== claim.expected) return yield* store.claimLease(claim);
          yield* Effect.yieldNow;
          const { holder, expiresAt } = claim;
          const lease = { version: claim.expected + 1, holder, expiresAt };
          const leases = new Map(disk.image.leases).set(claim.owner, lease);
          disk.image = { ...disk.image, leases };
          return lease;
        }),
    }),
    red: "of ten claims on one version",
  },
  {
    fault: "lets a claim on a later version through",
    breakIt: (store) => ({
      ...store,
      claimLease: (claim) =>
        Effect.flatMap(store.lease(claim.owner), ({ version }) =>
          store.claimLease({ ...claim, expected: Math.min(claim.expected, version) }),
        ),
    }),
    red: "not the current one answers nothing",
  },
  {
    fault: "raises the version by two",
    breakIt: (store) => ({
      ...store,
      claimLease: (claim) =>
        Effect.flatMap(store.claimLease(claim), (lease) =>
          lease === null
            ? Effect.succeed(null)
            : store.claimLease({ ...claim, expected: lease.version }),
        ),
    }),
    red: "raises the version by one",
  },
  {
    fault: "keeps one lease for all owners",
    breakIt: (store) => ({
      ...store,
      lease: () => store.lease("all"),
      claimLease: (claim) => store.claimLease({ ...claim, owner: "all" }),
    }),
    red: "each owner has a lease of its own",
  },
  {
    fault: "forgets the lease when it is opened again",
    breakIt: (store, disk) => {
      disk.image = { ...disk.image, leases: new Map() };
      return store;
    },
    red: "opened again a store has",
  },
  {
    fault: "makes a new id whenever it is opened",
    breakIt: (store) => ({ ...store, id: String(Math.random()) }),
    red: "opened again a store has",
  },
  {
    fault: "reads from what it saw when it was opened",
    breakIt: (store, disk) => {
      const records = disk.image.records;
      const cached = makeMemoryStore({ disk: { image: { ...disk.image, records } } });
      return { ...store, load: cached.load };
    },
    red: "opened twice both see",
  },
  {
    fault: "reports a holder for a lease that nobody held",
    breakIt: (store) => ({
      ...store,
      lease: (owner) =>
        Effect.map(store.lease(owner), (lease) =>
          canonicalJson(lease) === canonicalJson(neverHeld) ? { ...lease, holder: "" } : lease,
        ),
    }),
    red: "nobody ever held",
  },
];

describe("the suite is red for a store that", () => {
  for (const { fault, breakIt, red } of faults) {
    it.live(fault, () =>
      Effect.gen(function* () {
        const named = storeChecks.filter((check) => check.name.includes(red));
        assert.lengthOf(named, 1);
        const ground = yield* groundOf(breakIt);
        const exit = yield* Effect.exit(Effect.scoped(named[0]!.run(ground)));
        assert.isTrue(Exit.isFailure(exit) && !Exit.hasDies(exit));
      }),
    );
  }

  it.live("writes for an empty batch", () =>
    Effect.gen(function* () {
      let transactions = 0;
      const ground: StoreGround = {
        open: Effect.sync(() => {
          const store = makeMemoryStore();
          const commit: StoreShape["commit"] = (batch) => {
            transactions += 1;
            return store.commit(batch);
          };
          return { ...store, commit };
        }),
        transactions: Effect.sync(() => transactions),
      };
      const [check] = storeChecks.filter(({ name }) => name.includes("an empty batch"));
      const exit = yield* Effect.exit(Effect.scoped(check!.run(ground)));
      assert.include(String(Exit.isFailure(exit) && exit.cause), "transactions");
    }),
  );
});
