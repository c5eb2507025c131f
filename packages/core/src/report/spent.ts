// Decides which wishes about a document have had their day, so that nothing reads them again later.

import type { Plan } from "../words/plan.ts";
import { recordKey, type StoreRecord } from "../words/record.ts";

/**
 * The keys of wishes to destroy what is gone, or is asked for again. None while the plan may not be
 * applied or not all was seen: then nothing was told for good.
 */
export const spentWishes = (
  plan: Plan,
  records: ReadonlyArray<StoreRecord>,
): ReadonlyArray<string> =>
  plan.hold !== null || !plan.seen
    ? []
    : records
        .filter((record) => record._tag === "Destruction" && !isLeft(plan, record.id))
        .map(recordKey);

/** It stands where nothing asks for it, and is about to go or to stay there. */
const isLeft = (plan: Plan, id: string): boolean =>
  plan.outside.some((outsider) => outsider.id === id && !outsider.counts) ||
  plan.changes.some(
    (change) =>
      change.action === "remove" && change.id === id && change.reason.code === "DestructionAsked",
  );
