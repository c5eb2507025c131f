// What a fleet daemon answers over HTTP, field by field, and what stands behind it.
//
// The field names of metrics, control and actions are those that scrapers and scripts of `fleetctl`
// know. Times are RFC 3339; what has not happened yet is left out.

import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Stream from "effect/Stream";

export const FleetOperation = Schema.Literals([
  "scale-up",
  "scale-down",
  "rolling-restart",
  "sync-state",
  "verify",
]);
export type FleetOperation = typeof FleetOperation.Type;

export const FleetPhase = Schema.Literals(["planning", "launch", "terminate", "verify", "done"]);
export type FleetPhase = typeof FleetPhase.Type;

/** The operation that runs, or the last one. */
export const FleetActions = Schema.Struct({
  operation: Schema.optionalKey(FleetOperation),
  phase: Schema.optionalKey(FleetPhase),
  startedAt: Schema.optionalKey(Schema.String),
  lastUpdate: Schema.optionalKey(Schema.String),
  launchRequested: Schema.Int,
  launchSucceeded: Schema.Int,
  launchFailed: Schema.Int,
  terminateRequested: Schema.Int,
  terminateSucceeded: Schema.Int,
  terminateFailed: Schema.Int,
  /** The member that a rolling restart is at, from 1; 0 before the first. */
  rollingRestartIndex: Schema.Int,
  rollingRestartTotal: Schema.Int,
  lastError: Schema.optionalKey(Schema.String),
});
export type FleetActions = typeof FleetActions.Type;

/** Numbers of a person that hold in place of the document's, until a time. */
export const FleetOverride = Schema.Struct({
  desired: Schema.Int,
  counts: Schema.Array(
    Schema.Struct({ group: Schema.String, count: Schema.Int, instead: Schema.Int }),
  ),
  by: Schema.String,
  reason: Schema.String,
  until: Schema.String,
  /** What happens then, in words: how many are launched or removed. */
  afterwards: Schema.String,
});
export type FleetOverride = typeof FleetOverride.Type;

/** How the background loop stands. */
export const FleetControlStatus = Schema.Struct({
  enabled: Schema.Boolean,
  /** Such as `30s`. */
  interval: Schema.String,
  lastTick: Schema.optionalKey(Schema.String),
  lastConfigReload: Schema.optionalKey(Schema.String),
  /** The sum of the document's counts, whatever overrides it. */
  desired: Schema.Int,
  /** How many members were discovered last; nothing before the first look. */
  actual: Schema.optionalKey(Schema.Int),
  /** `scale to N` or `noop`. */
  lastAction: Schema.optionalKey(Schema.String),
  lastError: Schema.optionalKey(Schema.String),
  loopCount: Schema.Int,
  override: Schema.NullOr(FleetOverride),
});
export type FleetControlStatus = typeof FleetControlStatus.Type;

export const FleetMetrics = Schema.Struct({
  fleet: Schema.String,
  /** Members in the ledger, and as discovered; nothing before the first look. */
  localActive: Schema.Int,
  remoteActive: Schema.optionalKey(Schema.Int),
  timestamp: Schema.String,
  control: FleetControlStatus,
  actions: FleetActions,
});
export type FleetMetrics = typeof FleetMetrics.Type;

export const ScaleRequest = Schema.Struct({
  desired: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })),
  /** Stands in the override and in the audit. */
  reason: Schema.optionalKey(Schema.String),
  /** How long it holds, such as `1h`; one hour when not given. */
  for: Schema.optionalKey(Schema.String),
});
export type ScaleRequest = typeof ScaleRequest.Type;

export const RestartRequest = Schema.Struct({
  reason: Schema.optionalKey(Schema.String),
});
export type RestartRequest = typeof RestartRequest.Type;

/** What an operation came to, after its end. */
export const FleetAnswer = Schema.Struct({
  operation: FleetOperation,
  fleet: Schema.String,
  desired: Schema.Int,
  /** Nothing when it could not be seen at the end, and no group is told then. */
  actual: Schema.optionalKey(Schema.Int),
  launched: Schema.Int,
  terminated: Schema.Int,
  /** How many of each group there are and shall be. */
  groups: Schema.Array(
    Schema.Struct({ group: Schema.String, desired: Schema.Int, actual: Schema.Int }),
  ),
  override: Schema.NullOr(FleetOverride),
  /** What a person should read, line by line. */
  messages: Schema.Array(Schema.String),
});
export type FleetAnswer = typeof FleetAnswer.Type;

/** Another operation runs, here or in another process. */
export class FleetBusy extends Schema.TaggedError<FleetBusy>()("FleetBusy", {
  /** What runs, such as `scale-up`. */
  operation: Schema.String,
  /** Who runs it, such as `ann@host, process 4711`. */
  holder: Schema.String,
  message: Schema.String,
  remedy: Schema.String,
}) {}

/**
 * - `Invalid`: the request or the document is wrong
 * - `Refused`: a guard forbids it until a person consents
 * - `Failed`: the provider or the store did not do it
 */
export class FleetFailed extends Schema.TaggedError<FleetFailed>()("FleetFailed", {
  reason: Schema.Literals(["Invalid", "Refused", "Failed"]),
  message: Schema.String,
  remedy: Schema.String,
  /** As far as it came. */
  answer: Schema.optionalKey(FleetAnswer),
}) {}

/** What a daemon does for those who ask over HTTP. Mutations answer after their end. */
export interface FleetControl {
  /** As told to people: local and remote counts, drift, groups, what runs. */
  readonly status: Effect.Effect<string, FleetFailed>;
  readonly metrics: Effect.Effect<FleetMetrics>;
  /** The newest metrics first, then each change, at most some a second. */
  readonly changes: Stream.Stream<FleetMetrics>;
  readonly scale: (
    request: ScaleRequest,
    by: string,
  ) => Effect.Effect<FleetAnswer, FleetBusy | FleetFailed>;
  readonly rollingRestart: (
    request: RestartRequest,
    by: string,
  ) => Effect.Effect<FleetAnswer, FleetBusy | FleetFailed>;
  readonly syncState: (by: string) => Effect.Effect<FleetAnswer, FleetBusy | FleetFailed>;
}
