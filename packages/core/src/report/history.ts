// Decides what is remembered of a run: only one that changed something, and only the newest. Pure.

import type { Outcome } from "../apply/outcome.ts";
import type { Write } from "../apply/writer.ts";
import { compareText } from "../words/diagnostic.ts";
import { formatAddress } from "../words/document.ts";
import type { Plan } from "../words/plan.ts";
import { recordKey, type RunRecord, type StoreRecord } from "../words/record.ts";
import { verdictOfApply } from "./verdict.ts";

/** How many runs are remembered; the audit remembers every change. */
const longestHistory = 50;

export interface Ran {
  readonly run: string;
  readonly holder: string;
  readonly revision: string | null;
  readonly trace: string | null;
  /** ISO 8601, both. */
  readonly at: string;
  readonly endedAt: string;
  /** What was decided first, of the documents that were worked on. */
  readonly plans: ReadonlyArray<Plan>;
  /** What is left of them. */
  readonly left: ReadonlyArray<Plan>;
  readonly outcomes: ReadonlyArray<Outcome>;
  /** What the store holds, former runs among it. */
  readonly records: ReadonlyArray<StoreRecord>;
}

export const historyNews = (ran: Ran): Pick<Required<Write>, "puts" | "deletes"> => {
  if (ran.outcomes.length === 0) return { puts: [], deletes: [] };
  const former = ran.records
    .filter((record): record is RunRecord => record._tag === "Run" && record.id !== ran.run)
    .sort((a, b) => compareText(b.at, a.at) || compareText(a.id, b.id));
  return { puts: [runRecord(ran)], deletes: former.slice(longestHistory - 1).map(recordKey) };
};

const runRecord = (ran: Ran): RunRecord => {
  const byDocument = Map.groupBy(ran.outcomes, ({ document }) => formatAddress(document));
  return {
    _tag: "Run",
    id: ran.run,
    at: ran.at,
    endedAt: ran.endedAt,
    revision: ran.revision,
    holder: ran.holder,
    verdict: verdictOfApply({ left: ran.left, outcomes: ran.outcomes, stale: false }),
    trace: ran.trace,
    documents: ran.plans.flatMap((plan) => {
      const outcomes = byDocument.get(formatAddress(plan.document)) ?? [];
      return outcomes.length === 0 ? [] : [documentOf(plan, outcomes)];
    }),
  };
};

const documentOf = (
  { document, digest }: Plan,
  outcomes: ReadonlyArray<Outcome>,
): RunRecord["documents"][number] => {
  const count = (...results: ReadonlyArray<Outcome["result"]>) =>
    outcomes.filter(({ result }) => results.includes(result)).length;
  return {
    document: { kind: document.kind, name: document.name },
    plan: digest,
    done: count("done"),
    failed: count("failed"),
    unknown: count("unknown"),
    skipped: count("skipped", "stale"),
    trouble: outcomes.find(({ result }) => result !== "done")?.message ?? null,
  };
};
