// Gathers what the units of work hand in at the same time into one store transaction.

import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Semaphore from "effect/Semaphore";
import { attributes, metrics, spans } from "../report/telemetry.ts";
import { count, errorLabel, traced } from "../report/trace.ts";
import type { Batch, StoreError, StoreShape } from "../store/store.ts";
import type { AuditDraft } from "../words/audit.ts";
import { recordKey, type StoreRecord } from "../words/record.ts";

export interface Write {
  readonly puts?: ReadonlyArray<StoreRecord>;
  readonly deletes?: ReadonlyArray<string>;
  /** Deleted unless they are others by now. */
  readonly spent?: ReadonlyArray<StoreRecord>;
  readonly audit?: ReadonlyArray<AuditDraft>;
}

export interface Writer {
  /** Durable when it succeeds. */
  readonly write: (write: Write) => Effect.Effect<void, StoreError>;
}

interface Pending {
  readonly write: Write;
  readonly done: Deferred.Deferred<void, StoreError>;
}

/** More than this at once waits for the next transaction. */
const largestBatch = 500;

/**
 * One writer per apply. While a transaction runs, what comes in waits and goes into the next one
 * together; within a batch, later puts and deletes win, as they would one by one.
 */
export const makeWriter = Effect.fnUntraced(function* (
  owner: string,
  /** Asked anew each time: the lease may be claimed, and renewed, between two batches. */
  commit: () => StoreShape["commit"],
): Effect.fn.Return<Writer> {
  const turn = yield* Semaphore.make(1);
  let pending: Array<Pending> = [];

  /** What will never be begun need not be written. */
  const withdraw = (mine: Pending): void => {
    pending = pending.filter((one) => one !== mine);
  };

  const flush = Effect.suspend(() => {
    const batch = pending.slice(0, largestBatch);
    pending = pending.slice(largestBatch);
    if (batch.length === 0) return Effect.void;
    return committing(commit(), { owner, ...merge(batch.map((one) => one.write)) }).pipe(
      Effect.exit,
      Effect.flatMap((exit) =>
        Effect.forEach(batch, (one) => Deferred.done(one.done, Exit.asVoid(exit)), {
          discard: true,
        }),
      ),
    );
  });
  /** Until what one handed in is through: more than a batch may wait before it. */
  const flushThrough = (mine: Pending): Effect.Effect<void> =>
    Effect.suspend(() =>
      pending.includes(mine) ? Effect.andThen(flush, flushThrough(mine)) : Effect.void,
    );

  const write = Effect.fnUntraced(function* (handed: Write) {
    const mine: Pending = { write: handed, done: yield* Deferred.make<void, StoreError>() };
    pending.push(mine);
    // Whoever gets the turn commits for all who wait; the others find nothing left to do. A store
    // that commits without ever letting go would see each write alone: those that are ready to hand
    // in theirs go first.
    yield* turn
      .withPermits(1)(Effect.uninterruptible(Effect.andThen(Effect.yieldNow, flushThrough(mine))))
      .pipe(Effect.onInterrupt(() => Effect.sync(() => withdraw(mine))));
    return yield* Deferred.await(mine.done);
  });
  return { write };
});

const committing = (
  commit: StoreShape["commit"],
  batch: Required<Pick<Batch, "puts" | "deletes" | "spent" | "audit">> & Batch,
): Effect.Effect<void, StoreError> =>
  commit(batch).pipe(
    Effect.asVoid,
    Effect.onExit((exit) =>
      count(metrics.storeCommits, {
        [attributes.result]: exit._tag === "Success" ? "done" : "failed",
        ...errorLabel(exit),
      }),
    ),
    traced(spans.storeCommit, {
      attributes: {
        [attributes.records]: batch.puts.length + batch.deletes.length + batch.spent.length,
        [attributes.auditEntries]: batch.audit.length,
      },
    }),
  );

const merge = (writes: ReadonlyArray<Write>) => {
  const puts = new Map<string, StoreRecord>();
  const deletes = new Set<string>();
  const spent: Array<StoreRecord> = [];
  const audit: Array<AuditDraft> = [];
  for (const write of writes) {
    for (const key of write.deletes ?? []) {
      puts.delete(key);
      deletes.add(key);
    }
    for (const record of write.puts ?? []) {
      deletes.delete(recordKey(record));
      puts.set(recordKey(record), record);
    }
    spent.push(...(write.spent ?? []));
    audit.push(...(write.audit ?? []));
  }
  return { puts: [...puts.values()], deletes: [...deletes], spent, audit };
};
