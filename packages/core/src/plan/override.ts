// Decides which numbers hold: a person's override until it ends, else the document's.

import type { PlannedOverride } from "../words/plan.ts";
import { escapeText } from "../words/quote.ts";
import type { OverrideRecord } from "../words/record.ts";
import type { Expansion } from "../words/set.ts";

export interface Overridden {
  readonly expansion: Expansion;
  /** The override that is in force; nothing when none is. */
  readonly override: PlannedOverride | null;
}

/** A changed number in the document, or a set that comes or goes, ends an override. */
export const overridden = (
  expansion: Expansion,
  records: ReadonlyArray<OverrideRecord>,
  now: number,
): Overridden => {
  const record = records.find((one) => isInForce(one, expansion, now));
  if (record === undefined) return { expansion, override: null };
  const counts = new Map(record.counts.map(({ set, count }) => [set, count]));
  return {
    expansion: {
      ...expansion,
      sets: expansion.sets.map((set) => ({ ...set, count: counts.get(set.name) ?? set.count })),
    },
    override: {
      counts: record.counts,
      by: escapeText(record.by),
      reason: escapeText(record.reason),
      until: record.until,
    },
  };
};

const isInForce = (record: OverrideRecord, { document, sets }: Expansion, now: number): boolean =>
  record.document.kind === document.kind &&
  record.document.name === document.name &&
  now < Date.parse(record.until) &&
  record.counts.length === sets.length &&
  sets.every((set) =>
    record.counts.some(({ set: name, instead }) => name === set.name && instead === set.count),
  );
