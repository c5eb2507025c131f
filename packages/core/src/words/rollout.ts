// A stored position: how far a rollout has come, stage by stage, and the journal of how it came there.

import * as Schema from "effect/Schema";

/** Where a rollout is as a whole. `Cancelled`, `RolledBack` and `Finalized` are for good. */
export const RolloutPhase = Schema.Literals([
  "Draft",
  "Active",
  "Paused",
  "Succeeded",
  "Finalizing",
  "Observing",
  "ObservingPaused",
  "Finalized",
  "Cancelled",
  "Aborted",
  "RollingBack",
  "RolledBack",
]);
export type RolloutPhase = typeof RolloutPhase.Type;

/** Where one stage is. `Applied` is left at once for `Waiting`; the journal names both. */
export const StagePhase = Schema.Literals([
  "Planned",
  "Applying",
  "Applied",
  "ApplyBlocked",
  "Waiting",
  "Paused",
  "Advanced",
  "RolledBack",
]);
export type StagePhase = typeof StagePhase.Type;

/** What became of one target; the last three keep a stage from going on. */
export const TargetResult = Schema.Literals([
  "pending",
  "written",
  "skipped",
  "failed",
  "unknown",
  "conflict",
]);
export type TargetResult = typeof TargetResult.Type;

export const Target = Schema.Struct({
  /** A member's identifier, or the name of a host. */
  id: Schema.String,
  result: TargetResult,
});
export type Target = typeof Target.Type;

export const Stage = Schema.Struct({
  /** From 1. */
  number: Schema.Int,
  phase: StagePhase,
  targets: Schema.Array(Target),
  /** Since when it waits for its verdict; ISO 8601. */
  since: Schema.NullOr(Schema.String),
  /** Before then it does not end, whatever its verdict; ISO 8601. */
  dueAt: Schema.NullOr(Schema.String),
});
export type Stage = typeof Stage.Type;

/** One transition: what came, and what it led to. */
export const JournalEntry = Schema.Struct({
  at: Schema.String,
  event: Schema.String,
  rollout: RolloutPhase,
  stage: Schema.NullOr(Schema.Struct({ number: Schema.Int, phase: StagePhase })),
  /** Why, and on whose word, where there is one. */
  reason: Schema.NullOr(Schema.String),
});
export type JournalEntry = typeof JournalEntry.Type;

export const RolloutState = Schema.Struct({
  phase: RolloutPhase,
  /** How many targets there were at the start, and how many are behind it. */
  total: Schema.Int,
  done: Schema.Int,
  /** The one that it is at; nothing before the first. */
  stage: Schema.NullOr(Stage),
  /** The newest entries, oldest first; the audit keeps all that was done. */
  journal: Schema.Array(JournalEntry),
});
export type RolloutState = typeof RolloutState.Type;

/** What can come to a rollout. */
export type RolloutEvent =
  /** The targets stand: work may begin. */
  | { readonly type: "started" }
  /** The next stage is these; only between two stages. */
  | { readonly type: "staged"; readonly targets: ReadonlyArray<string> }
  /** What became of one target of the stage. */
  | {
      readonly type: "told";
      readonly target: string;
      readonly result: Exclude<TargetResult, "pending">;
      readonly reason?: string;
    }
  /** A failed target is tried again. */
  | { readonly type: "retried"; readonly target: string }
  /** The gate between two stages was measured: only `Pass` lets a stage end. */
  | {
      readonly type: "judged";
      readonly verdict: "Pass" | "Fail" | "Inconclusive";
      readonly reason: string;
    }
  /** A person ends the stage; `forced` overrules its gate, and never what became of its targets. */
  | {
      readonly type: "approved";
      readonly by: string;
      readonly reason: string;
      readonly forced: boolean;
    }
  | { readonly type: "paused"; readonly by: string; readonly reason: string }
  | { readonly type: "resumed"; readonly by: string; readonly reason: string }
  /** Nothing is left to do. */
  | { readonly type: "exhausted" }
  /** It shall not go on; what was done stays done. */
  | { readonly type: "aborted"; readonly by: string; readonly reason: string }
  | { readonly type: "rolledBack"; readonly finished: boolean }
  | { readonly type: "finalized"; readonly finished: boolean };
