// What a store promises of records: they come back as they were put, to their owner, and to no other.

import { compareText } from "@muster/core/words/diagnostic";
import { recordKey } from "@muster/core/words/record";
import type { StoreRecord } from "@muster/core/words/record";
import * as Effect from "effect/Effect";
import { expectSame } from "../check.ts";
import type { StoreCheck } from "../check.ts";
import { hardText, sampleIntent, sampleRecords, sampleStatus } from "../samples.ts";

export const recordChecks: ReadonlyArray<StoreCheck> = [
  {
    name: "an empty store answers nothing",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        yield* expectSame("records", yield* store.load("owner-a"), []);
        yield* expectSame("owners", yield* store.owners, []);
        yield* expectSame("entries", yield* store.auditEntries(0, 10), []);
      }),
  },
  {
    name: "every kind of record comes back as it was put, hard text included, ordered by key",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        yield* store.commit({ owner: "owner-a", puts: sampleRecords });
        yield* expectSame("records", yield* store.load("owner-a"), byKey(sampleRecords));
      }),
  },
  {
    name: "one record is found by its key, by its owner only, and an absent one is nothing",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        yield* store.commit({ owner: "owner-a", puts: sampleRecords });
        for (const record of sampleRecords) {
          const key = recordKey(record);
          yield* expectSame("record", yield* store.record("owner-a", key), record);
          yield* expectSame("record of b", yield* store.record("owner-b", key), null);
        }
        yield* expectSame("absent", yield* store.record("owner-a", "Intent/unknown"), null);
      }),
  },
  {
    name: "a record that is put again replaces the one before",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        yield* store.commit({ owner: "owner-a", puts: [sampleStatus("web", "1")] });
        yield* store.commit({ owner: "owner-a", puts: [sampleStatus("web", "2")] });
        yield* expectSame("records", yield* store.load("owner-a"), [sampleStatus("web", "2")]);
      }),
  },
  {
    name: "a deleted record is gone, the others stay, and deleting nothing is no fault",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const [kept, gone] = [sampleIntent("kept"), sampleIntent("gone")];
        yield* store.commit({ owner: "owner-a", puts: [kept, gone] });
        yield* store.commit({ owner: "owner-a", deletes: [recordKey(gone), "Intent/unknown"] });
        yield* expectSame("records", yield* store.load("owner-a"), [kept]);
      }),
  },
  {
    name: "what is spent is gone only where it stands just so, and for its owner alone",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const [spent, before, now] = [
          sampleIntent("spent"),
          sampleStatus("web", "before"),
          sampleStatus("web", "now"),
        ];
        yield* store.commit({ owner: "owner-a", puts: [spent, now] });
        yield* store.commit({ owner: "owner-b", puts: [spent] });
        yield* store.commit({ owner: "owner-a", spent: [spent, before, sampleIntent("absent")] });
        yield* expectSame("records of a", yield* store.load("owner-a"), [now]);
        yield* expectSame("records of b", yield* store.load("owner-b"), [spent]);
      }),
  },
  {
    name: "within a batch deletes come before puts, and the last put of a key stays",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const [first, last] = [sampleStatus("web", "first"), sampleStatus("web", "last")];
        yield* store.commit({
          owner: "owner-a",
          deletes: [recordKey(last)],
          puts: [first, last],
        });
        yield* expectSame("records", yield* store.load("owner-a"), [last]);
        // The same where something stands there already.
        yield* store.commit({
          owner: "owner-a",
          deletes: [recordKey(last)],
          spent: [last],
          puts: [first],
        });
        yield* expectSame("records", yield* store.load("owner-a"), [first]);
      }),
  },
  {
    name: "owners do not see or delete each other's records",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const record = sampleStatus("web", "b");
        yield* store.commit({ owner: "owner-b", puts: [record] });
        yield* store.commit({ owner: "owner-a", puts: [sampleStatus("web", "a")] });
        yield* store.commit({ owner: "owner-a", deletes: [recordKey(record)] });
        yield* expectSame("records of a", yield* store.load("owner-a"), []);
        yield* expectSame("records of b", yield* store.load("owner-b"), [record]);
      }),
  },
  {
    name: "the owners are those that have records, sorted, whatever their name",
    run: (ground) =>
      Effect.gen(function* () {
        const store = yield* ground.open;
        const owners = [
          "b",
          "a",
          "a\0",
          hardText,
          '"quoted"',
          "\ud800",
          "\ufffd",
          "\u{1f600}",
          "\ue000",
        ];
        for (const owner of owners) {
          yield* store.commit({ owner, puts: [sampleStatus("web", owner)] });
        }
        yield* store.commit({ owner: "b", deletes: [recordKey(sampleStatus("web"))] });
        const left = owners.filter((owner) => owner !== "b").sort(compareText);
        yield* expectSame("owners", yield* store.owners, left);
        for (const owner of left) {
          yield* expectSame("records", yield* store.load(owner), [sampleStatus("web", owner)]);
        }
      }),
  },
];

const byKey = (records: ReadonlyArray<StoreRecord>): ReadonlyArray<StoreRecord> =>
  [...records].sort((a, b) => compareText(recordKey(a), recordKey(b)));
