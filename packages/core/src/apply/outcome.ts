// What came of a change, and what happened on the way.

import { type DocumentAddress, formatAddress } from "../words/document.ts";
import type { Change } from "../words/plan.ts";
import type { ProviderReason } from "../words/provider.ts";

/**
 * - `done`: read back and found as asked
 * - `failed`: it did not happen, and the intent is settled
 * - `stale`: the world had moved; nothing was done
 * - `unknown`: it may or may not have happened; the intent stays open for a successor to settle
 * - `skipped`: not tried, because of what happened to another change, or because it may not begin
 */
export type Result = "done" | "failed" | "stale" | "unknown" | "skipped";

export interface Outcome {
  readonly document: DocumentAddress;
  readonly change: Change;
  readonly result: Result;
  readonly code:
    | ProviderReason
    | "OccupantDead"
    | "Moved"
    | "Interrupted"
    | "Halted"
    | "Held"
    | null;
  readonly message: string;
  readonly remedy: string | null;
}

/** Told while an apply runs, in the order of happening. */
export type Event =
  | { readonly type: "observed"; readonly documents: number; readonly round: number }
  | { readonly type: "planned"; readonly changes: number; readonly round: number }
  | { readonly type: "waiting"; readonly message: string; readonly millis: number }
  | { readonly type: "started"; readonly document: DocumentAddress; readonly change: Change }
  | {
      readonly type: "progress";
      readonly document: DocumentAddress;
      readonly change: Change;
      readonly detail: string;
    }
  | { readonly type: "finished"; readonly outcome: Outcome };

/** What came of each change in the end: what failed at one place may have been done at another. */
export const lastOutcomes = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<Outcome> => [
  ...new Map(
    outcomes.map((one) => [`${formatAddress(one.document)} ${one.change.key}`, one]),
  ).values(),
];
