// Decides what the store shall remember of a document beside its changes, and only when it is news.

import { sameJson } from "../words/canonical.ts";
import { consentOf } from "../plan/consent.ts";
import { foldRollout, isOver } from "../plan/replace.ts";
import { draftRollout } from "../rollout/machine.ts";
import type { Document } from "../words/document.ts";
import { effectiveChanges, type Plan } from "../words/plan.ts";
import {
  type AppliedRecord,
  type DocumentRecord,
  recordKey,
  type RolloutRecord,
  type StoreRecord,
} from "../words/record.ts";
import { type Expansion, serially, templateMark } from "../words/set.ts";

/** The document as it is asked for now; its revision is the one that changed its input. */
export const documentRecord = (
  document: Document,
  expansion: Expansion,
  before: DocumentRecord | undefined,
  revision: string | null,
): DocumentRecord => ({
  _tag: "Document",
  document: { kind: document.kind, name: document.name },
  orphanedAt: null,
  inputDigest: document.inputDigest,
  revision: before?.inputDigest === document.inputDigest ? before.revision : revision,
  expansion,
});

/**
 * How many members the numbers stand for from now on: never fewer than before the changes that
 * they ask for. Written before the first of these, so that taking a raise back is consent, too.
 */
export const consentRecords = (
  plan: Plan,
  expansion: Expansion,
  before: ReadonlyArray<AppliedRecord>,
  now: string,
): ReadonlyArray<AppliedRecord> =>
  plan.counts.map((count) => {
    const set = expansion.sets.find((candidate) => candidate.name === count.set)!;
    const known = consentOf(before, plan.document.name, expansion.previousName, set);
    return {
      _tag: "Applied",
      document: plan.document,
      set: set.name,
      count: Math.max(known?.count ?? count.present - count.unowned, set.count),
      template: templateMark(set.template),
      knownSince: known?.knownSince ?? now,
    };
  });

/** Once a plan has nothing left to do, its numbers stand for just what is there. */
export const appliedRecords = (
  plan: Plan,
  expansion: Expansion,
  consent: ReadonlyArray<AppliedRecord>,
): ReadonlyArray<AppliedRecord> =>
  isConverged(plan)
    ? consent.map((record) => ({
        ...record,
        count: expansion.sets.find((set) => set.name === record.set)!.count,
      }))
    : [];

/** The position of a rollout as this look leaves it. */
export const rolloutRecords = (
  { document, rollout }: Plan,
  expansion: Expansion,
  before: RolloutRecord | undefined,
  now: number,
): ReadonlyArray<RolloutRecord> => {
  if (rollout === null || (rollout.events.length === 0 && !rollout.isNew)) return [];
  const goesOn = before !== undefined && !rollout.isNew;
  const start = goesOn ? before.state : draftRollout(rollout.total);
  const policy = expansion.replace ?? serially;
  const state = foldRollout(start, rollout.events, policy, now);
  return [{ _tag: "Rollout", document, trigger: rollout.trigger, state }];
};

/** Whether some members still await replacement, or the last was replaced and is not judged yet. */
export const isReplacing = ({ rollout }: Plan): boolean =>
  rollout !== null && !isOver({ phase: rollout.phase });

/** Everything asked for is there, and nothing was refused, left open or out of sight. */
export const isConverged = (plan: Plan): boolean =>
  plan.seen &&
  plan.refusals.length === 0 &&
  plan.unsettled.length === 0 &&
  !isReplacing(plan) &&
  effectiveChanges(plan).length === 0;

/** Those records that the store does not hold already: a converged loop writes nothing. */
export const onlyNews = (
  wanted: ReadonlyArray<StoreRecord>,
  held: ReadonlyArray<StoreRecord>,
): ReadonlyArray<StoreRecord> => {
  const known = new Map(held.map((record) => [recordKey(record), record]));
  return wanted.filter((record) => !sameJson(record, known.get(recordKey(record))));
};
