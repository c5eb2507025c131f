// The fence around one apply: claimed on the very version that observe saw, checked before each write.

import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import type { Batch, StoreError } from "../store/store.ts";
import type { AuditHead } from "../words/audit.ts";

/**
 * - `Taken`: another runner holds it, or claimed since we looked
 * - `Lost`: we held it and may no longer write
 * - `Unavailable`: cannot be read or written now
 */
export class LeaseError extends Schema.TaggedError<LeaseError>()("LeaseError", {
  reason: Schema.Literals(["Taken", "Lost", "Unavailable"]),
  message: Schema.String,
  remedy: Schema.optionalKey(Schema.String),
  /** With `Taken`: until when it is held, in milliseconds since the epoch, when that is known. */
  heldUntil: Schema.optionalKey(Schema.Number),
}) {}

/** What was seen before observe; a claim succeeds on exactly this or not at all. */
export interface LeaseSighting {
  readonly version: number;
  readonly holder: string | null;
  /** Milliseconds since the epoch; nothing when nobody holds it. */
  readonly heldUntil: number | null;
  /** What the keeper of the lease needs to compare, such as a commit id. */
  readonly handle: string;
}

export interface HeldLease {
  readonly version: number;
  /**
   * Fails with `Lost` unless the last acknowledged renewal leaves more than a provider's time-out.
   * Local and cheap: no network.
   */
  readonly check: Effect.Effect<void, LeaseError>;
  /** Fails, never succeeds: ends when the lease is lost, so that a race with it interrupts the work. */
  readonly lost: Effect.Effect<never, LeaseError>;
  /** Commits under this lease, when it is kept in the store; otherwise the fence is elsewhere. */
  readonly commit?: (batch: Batch) => Effect.Effect<AuditHead, StoreError>;
}

export interface LeaseShape {
  readonly look: Effect.Effect<LeaseSighting, LeaseError>;
  /** Held until the scope closes, renewed at a third of its time to live. */
  readonly claim: (sighting: LeaseSighting) => Effect.Effect<HeldLease, LeaseError, Scope.Scope>;
}

export class Lease extends Context.Service<Lease, LeaseShape>()("@muster/core/lease/Lease") {}
