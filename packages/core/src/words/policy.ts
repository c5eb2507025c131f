// What the operator allows, beside what the documents ask.

import type { Refusal } from "./plan.ts";

export interface Policy {
  /** Who we are: the mark on our members. */
  readonly owner: string;
  /** How many removals that nobody asked for may happen within the window, per set. */
  readonly removals: {
    /** Of the asked count, rounded down. */
    readonly share: number;
    readonly atLeast: number;
    readonly windowMillis: number;
  };
  /** How long a list may lag behind a launch before absence counts as absence. */
  readonly listLagMillis: number;
  /** How long a place without capacity is tried after the others, in milliseconds. */
  readonly exhaustionMillis: number;
  /** Whether a document that was called invalid is left alone until it changes: the runner's habit. */
  readonly quarantine: boolean;
  /** Set when the source may be planned but not applied, such as a rewritten history. */
  readonly hold: Refusal | null;
}

export const defaultPolicy = (owner: string): Policy => ({
  owner,
  removals: { share: 0.25, atLeast: 1, windowMillis: 3_600_000 },
  listLagMillis: 600_000,
  exhaustionMillis: 600_000,
  quarantine: false,
  hold: null,
});
