// What a store promises of a batch: all or nothing, fenced, on grounds that stand, and nothing at all for an empty one.

import { recordKey } from "@muster/core/words/record";
import type { Batch } from "@muster/core/store/store";
import type { StoreRecord } from "@muster/core/words/record";
import * as Effect from "effect/Effect";
import { expectRefusal, expectSame } from "../check.ts";
import type { StoreCheck } from "../check.ts";
import { sampleDraft, sampleIntent, sampleStatus } from "../samples.ts";

export const batchChecks: ReadonlyArray<StoreCheck> = [
  {
    name: "a batch writes its records, deletes and audit together and answers the new head",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const intent = sampleIntent("one");
        yield* store.commit({ owner: "owner-a", puts: [intent] });
        const head = yield* store.commit({
          owner: "owner-a",
          puts: [sampleStatus("web")],
          deletes: [recordKey(intent)],
          audit: [sampleDraft("one"), sampleDraft("two")],
        });
        yield* expectSame("head", head, yield* store.auditHead);
        yield* expectSame("seq", head.seq, 2);
        yield* expectSame("records", yield* store.load("owner-a"), [sampleStatus("web")]);
      }),
  },
  {
    name: "a batch with a record that could not be read back writes nothing",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const kept = sampleIntent("kept");
        yield* store.commit({ owner: "owner-a", puts: [kept] });
        const broken = { ...sampleStatus("broken"), json: 7 } as unknown as StoreRecord;
        const batch = {
          owner: "owner-a",
          deletes: [recordKey(kept)],
          puts: [sampleStatus("web"), broken],
          audit: [sampleDraft("one")],
        };
        yield* expectRefusal("commit", store.commit(batch), "Corrupt");
        yield* expectSame("records", yield* store.load("owner-a"), [kept]);
        yield* expectSame("seq", (yield* store.auditHead).seq, 0);
      }),
  },
  {
    name: "a batch with an audit entry that could not be read back writes nothing",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const broken = { ...sampleDraft("two"), parameters: { size: Number.NaN } };
        const batch = {
          owner: "owner-a",
          puts: [sampleStatus("web")],
          audit: [sampleDraft("one"), broken],
        };
        yield* expectRefusal("commit", store.commit(batch), "Corrupt");
        yield* expectSame("records", yield* store.load("owner-a"), []);
        yield* expectSame("entries", yield* store.auditEntries(0, 10), []);
      }),
  },
  {
    name: "a batch under the current lease is written, under any other version nothing is",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const claim = { owner: "owner-a", holder: "one", expiresAt: 1_000 };
        yield* store.claimLease({ ...claim, expected: 0 });
        yield* store.commit({ owner: "owner-a", fence: 1, puts: [sampleStatus("first")] });
        yield* store.claimLease({ ...claim, holder: "two", expected: 1 });
        for (const fence of [0, 1, 3]) {
          const batch = {
            owner: "owner-a",
            fence,
            puts: [sampleStatus("late")],
            deletes: [recordKey(sampleStatus("first"))],
            audit: [sampleDraft("late")],
          };
          yield* expectRefusal(`commit under ${fence}`, store.commit(batch), "Fenced");
        }
        yield* expectSame("records", yield* store.load("owner-a"), [sampleStatus("first")]);
        yield* expectSame("seq", (yield* store.auditHead).seq, 0);
      }),
  },
  {
    name: "the fence is the lease of the batch's own owner, and version 0 before the first claim",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const claim = { owner: "owner-b", holder: "one", expected: 0, expiresAt: 1_000 };
        yield* store.claimLease(claim);
        yield* store.commit({ owner: "owner-a", fence: 0, puts: [sampleStatus("web")] });
        const batch = { owner: "owner-a", fence: 1, puts: [sampleStatus("late")] };
        yield* expectRefusal("commit", store.commit(batch), "Fenced");
      }),
  },
  {
    name: "a batch is written where its grounds stand as they were read, and nowhere else",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const [first, second] = [sampleStatus("web", "1"), sampleStatus("web", "2")];
        const key = recordKey(first);
        const commit = (batch: Partial<Batch>) =>
          store.commit({ owner: "owner-a", audit: [sampleDraft("one")], ...batch });
        const refused = (what: string, batch: Partial<Batch>) =>
          expectRefusal(what, commit({ puts: [sampleStatus("late")], ...batch }), "Moved");
        yield* refused("unchanged, of nothing", { unchanged: [first] });
        yield* commit({ absent: [key], puts: [first] });
        yield* refused("absent, of something", { absent: [key] });
        yield* refused("unchanged, of another", { unchanged: [second] });
        // Another owner's share holds nothing of ours.
        yield* refused("unchanged, elsewhere", { owner: "owner-b", unchanged: [first] });
        yield* commit({ unchanged: [first], puts: [second] });
        yield* refused("the second of two", { unchanged: [first], deletes: [key] });
        yield* refused("an audit that has grown", { auditedTo: 1 });
        yield* refused("an audit that is not there yet", { auditedTo: 3 });
        yield* expectRefusal(
          "a look alone",
          store.commit({ owner: "owner-a", unchanged: [first] }),
          "Moved",
        );
        yield* expectRefusal(
          "a look at the audit alone",
          store.commit({ owner: "owner-a", auditedTo: 1 }),
          "Moved",
        );
        yield* expectSame("records", yield* store.load("owner-a"), [second]);
        yield* commit({ auditedTo: 2, deletes: [key] });
        yield* expectSame("seq", (yield* store.auditHead).seq, 3);
      }),
  },
  {
    name: "an empty batch writes nothing, answers the head, and is fenced like any other",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const head = yield* store.commit({ owner: "owner-a", audit: [sampleDraft("one")] });
        const written = yield* ground.transactions ?? Effect.succeed(0);
        const empty = { owner: "owner-a", puts: [], deletes: [], audit: [] };
        yield* expectSame("head", yield* store.commit(empty), head);
        yield* expectSame("head", yield* store.commit({ owner: "owner-b", fence: 0 }), head);
        yield* expectRefusal("commit", store.commit({ ...empty, fence: 9 }), "Fenced");
        const after = yield* ground.transactions ?? Effect.succeed(0);
        yield* expectSame("transactions", after, written);
        yield* expectSame("owners", yield* store.owners, []);
      }),
  },
];
