// Says what became of each document, and remembers what was said only when it is news.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Outcome } from "../apply/outcome.ts";
import { appliedRecords, onlyNews } from "../report/bookkeeping.ts";
import { documentStatus, encodeStatus } from "../report/status.ts";
import { formatAddress } from "../words/document.ts";
import { recordKey, type StoreRecord } from "../words/record.ts";
import type { DocumentStatus } from "../words/status.ts";
import type { Failure, Fence } from "./fence.ts";
import type { ReconcileInput } from "./input.ts";
import type { Look, Unit } from "./look.ts";

export const conclude = Effect.fn("report")(function* (
  input: ReconcileInput,
  last: Look,
  outcomes: ReadonlyArray<Outcome>,
  fence: Fence,
): Effect.fn.Return<ReadonlyArray<DocumentStatus>, Failure, Scope.Scope> {
  const statuses = yield* statusesOf(input, last, outcomes);
  const wanted = last.units.flatMap((unit, index) => [
    statusRecord(unit, statuses[index]!),
    ...appliedOf(input, unit),
  ]);
  const puts = onlyNews(wanted, last.records);
  const deletes = forgottenStatuses(last);
  if (puts.length + deletes.length > 0) {
    yield* fence.claim;
    yield* fence.writer.write({ puts, deletes });
  }
  return statuses;
});

/** The status of every document, as far as the last look tells. */
export const statusesOf = Effect.fnUntraced(function* (
  input: ReconcileInput,
  last: Look,
  outcomes: ReadonlyArray<Outcome>,
): Effect.fn.Return<ReadonlyArray<DocumentStatus>> {
  const now = new Date(yield* Clock.currentTimeMillis).toISOString();
  const byDocument = Map.groupBy(outcomes, (outcome) => formatAddress(outcome.document));
  return last.units.map((unit) =>
    documentStatus({
      plan: unit.plan,
      observation: unit.observation,
      record: unit.record,
      outcomes: byDocument.get(formatAddress(unit.plan.document)) ?? [],
      previous: previousStatus(unit),
      source: input.source,
      owner: input.policy.owner,
      now,
    }),
  );
});

/** Our own record, written by `statusRecord`: only its times are taken over. */
const previousStatus = (unit: Unit): DocumentStatus | undefined =>
  unit.status === undefined ? undefined : (JSON.parse(unit.status.json) as DocumentStatus);

const statusRecord = (unit: Unit, status: DocumentStatus): StoreRecord => ({
  _tag: "Status",
  document: unit.plan.document,
  json: encodeStatus(status),
});

const appliedOf = (input: ReconcileInput, unit: Unit): ReadonlyArray<StoreRecord> =>
  unit.plan.orphaned || input.policy.hold !== null
    ? []
    : appliedRecords(unit.plan, unit.expansion, unit.consent);

/** A document of which nothing is left has no status either. */
const forgottenStatuses = (last: Look): ReadonlyArray<string> => {
  const told = new Set(last.units.map((unit) => formatAddress(unit.plan.document)));
  return last.records.flatMap((record) =>
    record._tag === "Status" && !told.has(formatAddress(record.document))
      ? [recordKey(record)]
      : [],
  );
};
