// The durable records of the engine: what any store must do, whatever it stands on.

import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { AuditDraft, AuditEntry, AuditHead } from "../words/audit.ts";
import type { StoreRecord } from "../words/record.ts";

/**
 * - `Unavailable`: cannot be opened, read or written now; nothing was written
 * - `Unanswered`: a commit was asked for and no answer came; whether it is written is unknown
 * - `Busy`: another process holds it too long
 * - `Fenced`: the lease that the write came under is no longer ours; nothing was written
 * - `Moved`: what the write was decided on has changed since it was read; nothing was written
 * - `Corrupt`: what is stored cannot be read back
 */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  reason: Schema.Literals(["Unavailable", "Unanswered", "Busy", "Fenced", "Moved", "Corrupt"]),
  /** The store, as it is named to people. */
  place: Schema.String,
  message: Schema.String,
  remedy: Schema.optionalKey(Schema.String),
}) {}

/** What a lease in the store was seen to be; version 0 when nobody ever held it. */
export interface StoreLease {
  readonly version: number;
  readonly holder: string | null;
  /** Milliseconds since the epoch; in the past when released. */
  readonly expiresAt: number;
}

/** One transaction: all of it or nothing, on disk before it is answered. */
export interface Batch {
  /** Whose share of the store this is: one per owner. */
  readonly owner: string;
  /** Refuse the whole batch unless the store's lease of this owner still has this version. */
  readonly fence?: number;
  /** Refuse the whole batch unless these stand just so still: what it was decided on. */
  readonly unchanged?: ReadonlyArray<StoreRecord>;
  /** Refuse the whole batch unless nothing stands under these keys. */
  readonly absent?: ReadonlyArray<string>;
  /**
   * Refuse the whole batch unless the audit chain still ends at this number: for what was decided
   * on who is not there, so that any audited change since may have come between.
   */
  readonly auditedTo?: number;
  readonly puts?: ReadonlyArray<StoreRecord>;
  /** Record keys, as `recordKey` spells them. */
  readonly deletes?: ReadonlyArray<string>;
  /** Deleted as well where they stand just so: what anybody wrote in their place meanwhile stays. */
  readonly spent?: ReadonlyArray<StoreRecord>;
  readonly audit?: ReadonlyArray<AuditDraft>;
}

export interface StoreShape {
  /** Made when the store was; names its audit chain. */
  readonly id: string;
  /** Such as `sqlite:/home/me/.local/state/muster/….db`, for messages. */
  readonly place: string;
  readonly load: (owner: string) => Effect.Effect<ReadonlyArray<StoreRecord>, StoreError>;
  /** The one record of this key, as `recordKey` spells it; nothing when there is none. */
  readonly record: (owner: string, key: string) => Effect.Effect<StoreRecord | null, StoreError>;
  /** The owners that have records here, sorted. */
  readonly owners: Effect.Effect<ReadonlyArray<string>, StoreError>;
  /** Answers the head of the chain after the batch. An empty batch writes nothing. */
  readonly commit: (batch: Batch) => Effect.Effect<AuditHead, StoreError>;
  readonly auditHead: Effect.Effect<AuditHead, StoreError>;
  /** Entries with `seq` above `after`, in order, at most `limit`. */
  readonly auditEntries: (
    after: number,
    limit: number,
  ) => Effect.Effect<ReadonlyArray<AuditEntry>, StoreError>;
  readonly lease: (owner: string) => Effect.Effect<StoreLease, StoreError>;
  /**
   * Compare-and-set of the lease: succeeds with the new lease only when its version still is
   * `expected`, and then the version is `expected + 1`; otherwise answers nothing.
   */
  readonly claimLease: (claim: {
    readonly owner: string;
    readonly expected: number;
    readonly holder: string;
    readonly expiresAt: number;
  }) => Effect.Effect<StoreLease | null, StoreError>;
}

export class Store extends Context.Service<Store, StoreShape>()("@muster/core/store/Store") {}
