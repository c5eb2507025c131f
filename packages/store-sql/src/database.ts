// What the store asks of a database: rows in and out, one transaction per write, nothing of meaning.

import type { ExpectedRow, RecordRow } from "@muster/core/store/memory";
import type { StoreError, StoreLease } from "@muster/core/store/store";
import type { AuditHead } from "@muster/core/words/audit";
import type * as Effect from "effect/Effect";

/** One audit entry as it is kept. */
export interface AuditRow {
  readonly seq: number;
  readonly hash: string;
  readonly json: string;
}

/** One write, under its conditions: deletes first, then puts, then what `seal` adds to the chain. */
export interface WriteRequest {
  readonly owner: string;
  readonly fence: number | undefined;
  /** Looked at before anything is written. */
  readonly expected: ReadonlyArray<ExpectedRow>;
  /** The number that the chain must end at, looked at with them. */
  readonly auditedTo: number | undefined;
  readonly deletes: ReadonlyArray<string>;
  /** Deleted where the row still is just so. */
  readonly spent: ReadonlyArray<RecordRow>;
  readonly puts: ReadonlyArray<RecordRow>;
  /** Pure; called within the transaction with the head that was read there. */
  readonly seal: (head: AuditHead) => ReadonlyArray<AuditRow>;
}

/** The head after the write, or the lease or the key that refused it; then nothing was written. */
export type WriteAnswer =
  | { readonly written: true; readonly head: AuditHead }
  | { readonly written: false; readonly lease: StoreLease }
  | { readonly written: false; readonly moved: string };

export interface LeaseClaim {
  readonly owner: string;
  readonly expected: number;
  readonly holder: string;
  readonly expiresAt: number;
}

/**
 * A database that a store can stand on. Each effect is one transaction of its own, waits a bounded
 * time for other processes, and fails with `StoreError`. A write is on disk before it is answered.
 */
export interface StoreDatabase {
  readonly id: string;
  readonly place: string;
  /** Another one whenever anything may have been written since, by any process. */
  readonly version: Effect.Effect<string, StoreError>;
  readonly records: (owner: string) => Effect.Effect<ReadonlyArray<RecordRow>, StoreError>;
  /** The row of one key; nothing when there is none. */
  readonly record: (owner: string, key: string) => Effect.Effect<RecordRow | null, StoreError>;
  readonly owners: Effect.Effect<ReadonlyArray<string>, StoreError>;
  readonly head: Effect.Effect<AuditHead, StoreError>;
  /** Rows with `seq` above `after`, in order, at most `limit`. */
  readonly entries: (
    after: number,
    limit: number,
  ) => Effect.Effect<ReadonlyArray<AuditRow>, StoreError>;
  readonly lease: (owner: string) => Effect.Effect<StoreLease, StoreError>;
  readonly write: (request: WriteRequest) => Effect.Effect<WriteAnswer, StoreError>;
  /** Compare-and-set of the lease; nothing when its version is no longer `expected`. */
  readonly swapLease: (claim: LeaseClaim) => Effect.Effect<StoreLease | null, StoreError>;
}
