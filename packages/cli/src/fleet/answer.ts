// Decides how an operation on a fleet ended, and what its answer says. Pure.

import {
  effectiveChanges,
  escapeText,
  type LeaseError,
  type Outcome,
  type Plan,
  type Refusal,
  type StoreError,
  type Verdict,
  verdictOfApply,
} from "@muster/core";
import { lastOutcomes } from "@muster/core/apply/outcome";
import { isConverged } from "@muster/core/report/bookkeeping";
import {
  type FleetAnswer,
  type FleetBusy,
  FleetFailed,
  type FleetOperation,
} from "@muster/sdk/fleet-contract";
import type { OverrideRecord } from "@muster/core/words/record";
import type { Expansion } from "@muster/core/words/set";
import { tellOverride } from "./numbers.ts";

/** What ends an operation without an answer. */
export type OperationError = FleetBusy | FleetFailed | StoreError | LeaseError;

export interface Trouble {
  readonly message: string;
  readonly remedy: string;
}

export interface Ended {
  readonly answer: FleetAnswer;
  readonly verdict: Verdict;
  /** What went wrong, when it did. */
  readonly trouble: Trouble | null;
  /** What would be done, where nothing was: a dry run. */
  readonly plan: Plan | null;
  /** Nothing was done, and nothing was to be. */
  readonly isDryRun: boolean;
}

export interface AnswerInput {
  readonly operation: FleetOperation;
  /** With the document's own numbers. */
  readonly expansion: Pick<Expansion, "sets">;
  readonly plan: Plan;
  readonly outcomes: ReadonlyArray<Outcome>;
  readonly override: OverrideRecord | null;
  readonly messages: ReadonlyArray<string>;
}

export const answerOf = ({
  operation,
  expansion,
  plan,
  outcomes,
  override,
  messages,
}: AnswerInput): FleetAnswer => {
  const groups = plan.counts.map(({ set, asked, present }) => ({
    group: set,
    desired: asked,
    actual: present,
  }));
  const asked = groups.map((one) => one.desired);
  const own = (override?.counts ?? expansion.sets).map(({ count }) => count);
  // Nobody counted where nobody could look: that is not zero.
  const isCounted = groups.length > 0;
  return {
    operation,
    fleet: plan.document.name,
    desired: sumOf(isCounted ? asked : own),
    ...(isCounted ? { actual: sumOf(groups.map((one) => one.actual)) } : {}),
    launched: doneOf(outcomes, "create"),
    terminated: doneOf(outcomes, "remove"),
    groups,
    override: override === null ? null : tellOverride(override),
    messages,
  };
};

const sumOf = (numbers: ReadonlyArray<number>): number =>
  numbers.reduce((all, one) => all + one, 0);

const doneOf = (outcomes: ReadonlyArray<Outcome>, action: "create" | "remove"): number =>
  outcomes.filter(({ change, result }) => result === "done" && change.action === action).length;

/**
 * By how things stand at last: what failed on the way and came right counts as done. A look that
 * nobody could take tells nothing for good.
 */
export const verdictOf = (plan: Plan, outcomes: ReadonlyArray<Outcome>): Verdict =>
  isConverged(plan) ? "done" : verdictOfApply({ left: [plan], outcomes, stale: false });

/** Whether something went against us that did not come right later: then going on is for another run. */
export const cameToNothing = (outcomes: ReadonlyArray<Outcome>): boolean =>
  lastOutcomes(outcomes).some(({ result }) => result !== "done" && result !== "stale");

/** What went wrong last, else what stands in the way. */
export const troubleOf = (plan: Plan, outcomes: ReadonlyArray<Outcome>): Trouble => {
  const last = lastOutcomes(outcomes);
  const worst =
    last.findLast(({ result }) => result === "unknown") ??
    last.findLast(({ result }) => result === "failed");
  const refusal = refusalOf(plan);
  if (worst !== undefined) {
    return {
      message: escapeText(worst.message, 2_000),
      remedy: escapeText(worst.remedy ?? refusal?.remedy ?? runAgain, 2_000),
    };
  }
  if (refusal !== null) return { message: refusal.reason.text, remedy: refusal.remedy };
  const left = effectiveChanges(plan).length;
  return { message: `${left} changes are left to do`, remedy: runAgain };
};

const runAgain = "run it again: it goes on where it stopped";

const refusalOf = ({ hold, refusals }: Plan): Refusal | null => hold ?? refusals[0] ?? null;

/** Why an operation may not even begin, when it may not: then nothing is recorded either. */
export const barrierOf = (plan: Plan): FleetFailed | null => {
  const refusal = refusalOf(plan);
  if (!plan.seen) {
    return new FleetFailed({
      reason: "Failed",
      message: refusal?.reason.text ?? "it cannot be seen what is there",
      remedy: refusal?.remedy ?? "try again once the provider can be reached",
    });
  }
  if (refusal === null) return null;
  const works = effectiveChanges(plan).length > 0 && plan.hold === null;
  return works
    ? null
    : new FleetFailed({
        reason: "Refused",
        message: refusal.reason.text,
        remedy: refusal.remedy,
      });
};
