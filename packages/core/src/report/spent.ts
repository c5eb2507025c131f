// Decides which wishes about a document have had their day, so that nothing reads them again later.

import type { Plan } from "../words/plan.ts";
import type { StoreRecord } from "../words/record.ts";

/**
 * The wishes that came true or came to their end: to destroy what is gone or is asked for
 * again, to restart what was restarted, of numbers that do not hold any more. None while the plan
 * may not be applied or not all was seen: then nothing was told for good.
 */
export const spentWishes = (
  plan: Plan,
  records: ReadonlyArray<StoreRecord>,
): ReadonlyArray<StoreRecord> =>
  plan.hold !== null || !plan.seen ? [] : records.filter((record) => isSpent(plan, record));

const isSpent = (plan: Plan, record: StoreRecord): boolean => {
  switch (record._tag) {
    case "Destruction":
      return !isLeft(plan, record.id);
    case "Restart":
      return hasCounted(plan) && (plan.rollout === null || plan.rollout.phase === "Succeeded");
    case "Override":
      return hasCounted(plan) && plan.override === null;
    default:
      return false;
  }
};

/** What another owner stopped, or what vanished, is not counted: its wishes wait. */
const hasCounted = ({ counts }: Plan): boolean => counts.length > 0;

/** It stands where nothing asks for it, and is about to go or to stay there. */
const isLeft = (plan: Plan, id: string): boolean =>
  plan.outside.some((outsider) => outsider.id === id && !outsider.counts) ||
  plan.changes.some(
    (change) =>
      change.action === "remove" && change.id === id && change.reason.code === "DestructionAsked",
  );
