// What a store promises of the audit: one chain, sealed, without a gap, whoever writes and how many at once.

import { genesis, verifyChain } from "@muster/core/words/audit";
import * as Effect from "effect/Effect";
import { expectSame } from "../check.ts";
import type { StoreCheck } from "../check.ts";
import { sampleDraft, sampleStatus } from "../samples.ts";

export const auditChecks: ReadonlyArray<StoreCheck> = [
  {
    name: "a store has an id, and its chain starts at genesis under it",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        yield* expectSame("id", store.id === "", false);
        const start = { chain: store.id, seq: 0, hash: genesis };
        yield* expectSame("head", yield* store.auditHead, start);
      }),
  },
  {
    name: "entries are sealed to one chain across owners, in order, from 1 without a gap",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        for (const owner of ["owner-a", "owner-b", "owner-a"]) {
          const audit = [sampleDraft("first", owner), sampleDraft("second", owner)];
          yield* store.commit({ owner, audit });
        }
        const entries = yield* store.auditEntries(0, 100);
        const head = yield* store.auditHead;
        yield* expectSame(
          "seqs",
          entries.map((entry) => entry.seq),
          [1, 2, 3, 4, 5, 6],
        );
        yield* expectSame(
          "owners",
          entries.map((entry) => entry.owner.slice(-1)).join(""),
          "aabbaa",
        );
        yield* expectSame("chains", new Set(entries.map((entry) => entry.chain)).size, 1);
        yield* expectSame("chain", entries[0]?.chain, store.id);
        yield* expectSame("fault", verifyChain(entries, head) ?? null, null);
      }),
  },
  {
    name: "an entry says what its draft said",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const draft = sampleDraft("whole");
        yield* store.commit({ owner: "owner-a", audit: [draft] });
        const [entry] = yield* store.auditEntries(0, 1);
        yield* expectSame("entry", { ...entry, ...draft }, entry ?? null);
      }),
  },
  {
    name: "entries come in pages: after a number, at most so many",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const audit = Array.from({ length: 7 }, (_, at) => sampleDraft(`a${at}`));
        yield* store.commit({ owner: "owner-a", audit });
        const page = (after: number, limit: number) =>
          Effect.map(store.auditEntries(after, limit), (entries) =>
            entries.map((entry) => entry.seq),
          );
        yield* expectSame("first page", yield* page(0, 3), [1, 2, 3]);
        yield* expectSame("second page", yield* page(3, 3), [4, 5, 6]);
        yield* expectSame("last page", yield* page(6, 3), [7]);
        yield* expectSame("after the end", yield* page(7, 3), []);
        yield* expectSame("none asked", yield* page(0, 0), []);
        yield* expectSame("before the start", yield* page(-5, 2), [1, 2]);
        yield* expectSame("all", (yield* page(0, Number.POSITIVE_INFINITY)).length, 7);
      }),
  },
  {
    name: "50 commits at the same time are all there, in one clean chain",
    run: (ground) =>
      Effect.gen(function* () {
        const stores = [yield* ground.open, yield* ground.open];
        const names = Array.from({ length: 50 }, (_, at) => `doc-${at}`);
        const write = (name: string, at: number) =>
          stores[at % stores.length]!.commit({
            owner: `owner-${at % 3}`,
            puts: [sampleStatus(name)],
            audit: [sampleDraft(name)],
          });
        yield* Effect.forEach(names, write, { concurrency: 10 });
        const store = yield* ground.open;
        const loads = yield* Effect.forEach([0, 1, 2], (at) => store.load(`owner-${at}`));
        const entries = yield* store.auditEntries(0, 100);
        yield* expectSame("records", loads.flat().length, 50);
        yield* expectSame("entries", entries.map((entry) => entry.action).sort(), names.sort());
        yield* expectSame("fault", verifyChain(entries, yield* store.auditHead) ?? null, null);
      }),
  },
];
