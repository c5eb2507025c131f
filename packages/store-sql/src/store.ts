// Gives rows their meaning: a store over any database that keeps its rows in transactions.

import {
  claimFault,
  decodeEntry,
  decodeRecord,
  fencedError,
  isEmptyBatch,
  movedError,
  stageBatch,
} from "@muster/core/store/memory";
import type { RecordRow, StagedBatch } from "@muster/core/store/memory";
import { StoreError } from "@muster/core/store/store";
import type { StoreShape } from "@muster/core/store/store";
import { headOf, sealEntry } from "@muster/core/words/audit";
import type { AuditDraft, AuditHead } from "@muster/core/words/audit";
import { canonicalJson } from "@muster/core/words/canonical";
import { compareText } from "@muster/core/words/diagnostic";
import type { StoreRecord } from "@muster/core/words/record";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { AuditRow, StoreDatabase } from "./database.ts";

/** A store on this database. */
export const makeStore = (database: StoreDatabase): StoreShape => ({
  id: database.id,
  place: database.place,
  load: loadOnce(database),
  record: (owner, key) =>
    Effect.flatMap(database.record(owner, key), (row) =>
      row === null ? Effect.succeed(null) : readable(database.place, decodeRecord(row)),
    ),
  owners: Effect.map(database.owners, (owners) => [...owners].sort(compareText)),
  commit: (batch) =>
    Effect.suspend(() => readable(database.place, stageBatch(batch))).pipe(
      Effect.flatMap((staged) =>
        isEmptyBatch(staged) ? answerEmpty(database, staged) : write(database, staged),
      ),
    ),
  auditHead: database.head,
  auditEntries: (after, limit) =>
    database
      .entries(Math.max(0, after), bounded(limit))
      .pipe(
        Effect.flatMap((rows) =>
          readable(database.place, Result.all(rows.map((row) => decodeEntry(row.seq, row.json)))),
        ),
      ),
  lease: database.lease,
  claimLease: (claim) =>
    Effect.suspend(() => {
      const fault = claimFault(claim);
      if (fault !== undefined) return Effect.fail(corrupt(database.place, fault));
      return database.swapLease(claim);
    }),
});

interface Decoded {
  readonly json: string;
  readonly record: StoreRecord;
}

interface Loaded {
  readonly owner: string;
  readonly version: string;
  readonly rows: ReadonlyMap<string, Decoded>;
  readonly records: ReadonlyArray<StoreRecord>;
}

/**
 * Reads nothing while nothing was written, and decodes only the rows that changed: of the last
 * owner that was asked for, what was loaded before is kept. A loop over many documents would else
 * spend its time and memory on that.
 */
const loadOnce = (database: StoreDatabase): StoreShape["load"] => {
  let kept: Loaded | null = null;

  const decode = (owner: string, version: string, rows: ReadonlyArray<RecordRow>) =>
    Result.gen(function* () {
      const before = kept?.owner === owner ? kept.rows : new Map<string, Decoded>();
      const now = new Map<string, Decoded>();
      for (const { key, json } of rows) {
        const known = before.get(key);
        now.set(
          key,
          known?.json === json ? known : { json, record: yield* decodeRecord({ key, json }) },
        );
      }
      kept = { owner, version, rows: now, records: [...now.values()].map(({ record }) => record) };
      return kept.records;
    });

  const read = (owner: string, version: string) =>
    database.records(owner).pipe(
      Effect.map((rows) => [...rows].sort((a, b) => compareText(a.key, b.key))),
      Effect.flatMap((rows) => readable(database.place, decode(owner, version, rows))),
    );

  return (owner) =>
    // Read before the rows: what is written meanwhile shows in the next one.
    Effect.flatMap(database.version, (version) =>
      kept?.owner === owner && kept.version === version
        ? Effect.succeed(kept.records)
        : read(owner, version),
    );
};

const bounded = (limit: number): number => Math.max(0, Math.min(limit, Number.MAX_SAFE_INTEGER));

const write = (
  database: StoreDatabase,
  staged: StagedBatch,
): Effect.Effect<AuditHead, StoreError> =>
  database
    .write({
      owner: staged.owner,
      fence: staged.fence,
      expected: staged.expected,
      auditedTo: staged.auditedTo,
      deletes: staged.deletes,
      spent: staged.spent,
      puts: staged.puts,
      seal: (head) => sealAll(head, staged.audit),
    })
    .pipe(
      Effect.flatMap((answer) =>
        answer.written
          ? Effect.succeed(answer.head)
          : Effect.fail(
              "moved" in answer
                ? movedError(database.place, answer.moved)
                : fencedError(database.place, staged.fence ?? 0, answer.lease),
            ),
      ),
    );

const answerEmpty = (
  database: StoreDatabase,
  staged: StagedBatch,
): Effect.Effect<AuditHead, StoreError> =>
  Effect.gen(function* () {
    if (staged.fence !== undefined) {
      const lease = yield* database.lease(staged.owner);
      if (lease.version !== staged.fence) {
        return yield* fencedError(database.place, staged.fence, lease);
      }
    }
    return yield* database.head;
  });

const sealAll = (head: AuditHead, drafts: ReadonlyArray<AuditDraft>): ReadonlyArray<AuditRow> => {
  const rows: Array<AuditRow> = [];
  let last = head;
  for (const draft of drafts) {
    const entry = sealEntry(last, draft);
    rows.push({ seq: entry.seq, hash: entry.hash, json: canonicalJson(entry) });
    last = headOf(entry);
  }
  return rows;
};

const readable = <A>(
  place: string,
  result: Result.Result<A, string>,
): Effect.Effect<A, StoreError> =>
  Effect.fromResult(Result.mapError(result, (message) => corrupt(place, message)));

const corrupt = (place: string, message: string): StoreError =>
  new StoreError({ reason: "Corrupt", place, message });
