// Decides how a turn went, in one word and one exit code.

import { lastOutcomes, type Outcome } from "../apply/outcome.ts";
import { effectiveChanges, type Plan } from "../words/plan.ts";
import { isReplacing } from "./bookkeeping.ts";

export type Verdict =
  | "done"
  | "faulty documents"
  | "infrastructure failed"
  | "changes waiting"
  | "refused"
  | "partly done"
  | "outcome unknown";

/** What the process answers: the same for every command. */
export const exitCodes: Readonly<Record<Verdict, number>> = {
  done: 0,
  "faulty documents": 1,
  "infrastructure failed": 2,
  "changes waiting": 4,
  refused: 5,
  "partly done": 6,
  "outcome unknown": 7,
};

export interface Turn {
  readonly left: ReadonlyArray<Plan>;
  readonly outcomes: ReadonlyArray<Outcome>;
  readonly stale: boolean;
}

/** What is worst counts: a person must hear of an unknown outcome before anything else. */
export const verdictOfApply = ({ left, outcomes: all, stale }: Turn): Verdict => {
  const outcomes = lastOutcomes(all);
  const any = (...results: ReadonlyArray<Outcome["result"]>) =>
    outcomes.some((outcome) => results.includes(outcome.result));
  if (any("unknown")) return "outcome unknown";
  if (outcomes.some(wentWrong)) return any("done") ? "partly done" : "infrastructure failed";
  if (left.some((plan) => !plan.seen)) return any("done") ? "partly done" : "infrastructure failed";
  if (stale || left.some(isRefused) || any("skipped"))
    return any("done") ? "partly done" : "refused";
  // The world moved under every try: nothing was done, so nothing is partly done.
  if (any("stale") && !any("done") && left.some(isWaiting)) return "refused";
  return left.some(isWaiting) ? "partly done" : "done";
};

export const verdictOfPlan = (plans: ReadonlyArray<Plan>): Verdict => {
  if (plans.some((plan) => !plan.seen)) return "infrastructure failed";
  if (plans.some(isRefused)) return "refused";
  return plans.some(isWaiting) ? "changes waiting" : "done";
};

const isWaiting = (plan: Plan): boolean => effectiveChanges(plan).length > 0 || isReplacing(plan);

/** A change that was held back by somebody's word failed nowhere. */
const wentWrong = ({ result, code }: Outcome): boolean =>
  result === "failed" || (result === "skipped" && code !== "Held");

const isRefused = (plan: Plan): boolean => plan.refusals.length > 0 || plan.hold !== null;
