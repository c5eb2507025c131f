// Says what became of documents, and remembers what was said only when it is news.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Outcome } from "../apply/outcome.ts";
import type { Write } from "../apply/writer.ts";
import { appliedRecords, onlyNews } from "../report/bookkeeping.ts";
import { measureStatuses } from "../report/measure.ts";
import { quarantineNews } from "../report/quarantine.ts";
import { spentWishes } from "../report/spent.ts";
import { documentStatus, encodeStatus } from "../report/status.ts";
import { sameJson } from "../words/canonical.ts";
import { formatAddress } from "../words/document.ts";
import { recordKey, type StatusRecord, type StoreRecord } from "../words/record.ts";
import type { DocumentStatus } from "../words/status.ts";
import type { Failure, Fence } from "./fence.ts";
import type { TurnInput } from "./input.ts";
import type { Unit } from "./look.ts";

export interface Concluded {
  /** As they stand at last; without those of which nothing is left. */
  readonly units: ReadonlyArray<Unit>;
  /** What the store held of all of them, those of which nothing is left too. */
  readonly records: ReadonlyArray<StoreRecord>;
  readonly outcomes: ReadonlyArray<Outcome>;
  /** What is remembered of the run itself, in the same transaction. */
  readonly history?: Write;
}

export interface Conclusion {
  readonly statuses: ReadonlyArray<DocumentStatus>;
  /** Whether there was anything to remember. */
  readonly news: boolean;
}

/** The status of every unit; claims the lease only when there is something to remember. */
export const conclude = Effect.fn("report")(function* (
  input: TurnInput,
  concluded: Concluded,
  fence: Fence,
): Effect.fn.Return<Conclusion, Failure, Scope.Scope> {
  const { units, records, outcomes } = concluded;
  const now = new Date(yield* Clock.currentTimeMillis).toISOString();
  const told = tellAll(input, units, outcomes, now);
  const statuses = told.map(({ status }) => status);
  const forgotten = input.complete === false ? [] : forgottenStatuses(concluded);
  yield* measureStatuses(statuses, forgotten);
  const quarantine = input.policy.quarantine
    ? quarantineNews({ plans: units.map(({ plan }) => plan), records, outcomes, now })
    : { puts: [], deletes: [] };
  const news = units.flatMap((unit, index) =>
    onlyNews([told[index]!.record, ...appliedOf(unit)], unit.records),
  );
  const { puts: history = [], deletes: past = [] } = concluded.history ?? {};
  const puts = [...news, ...quarantine.puts, ...history];
  const spent = units.flatMap((unit) => spentWishes(unit.plan, unit.records));
  const deletes = [...forgotten, ...quarantine.deletes, ...past];
  const isNews = puts.length + deletes.length + spent.length > 0;
  if (isNews) {
    yield* fence.claim;
    yield* fence.writer.write({ puts, deletes, spent });
  }
  return { statuses, news: isNews };
});

/** The status of every unit, as far as the last look tells. */
export const statusesOf = (
  input: TurnInput,
  units: ReadonlyArray<Unit>,
  outcomes: ReadonlyArray<Outcome>,
  now: string,
): ReadonlyArray<DocumentStatus> =>
  tellAll(input, units, outcomes, now).map(({ status }) => status);

interface Told {
  readonly status: DocumentStatus;
  readonly record: StatusRecord;
}

const tellAll = (
  input: TurnInput,
  units: ReadonlyArray<Unit>,
  outcomes: ReadonlyArray<Outcome>,
  now: string,
): ReadonlyArray<Told> => {
  const byDocument = Map.groupBy(outcomes, (outcome) => formatAddress(outcome.document));
  return units.map((unit) => {
    const previous = previousStatus(unit);
    const status = documentStatus({
      plan: unit.plan,
      observation: unit.observation,
      record: unit.record,
      outcomes: byDocument.get(formatAddress(unit.plan.document)) ?? [],
      previous,
      source: input.source,
      owner: input.policy.owner,
      now,
    });
    return {
      status,
      record:
        unit.status !== undefined && sameJson(status, previous)
          ? unit.status
          : { _tag: "Status", document: unit.plan.document, json: encodeStatus(status) },
    };
  });
};

/** Our own record: only its times are taken over. */
const previousStatus = (unit: Unit): DocumentStatus | undefined =>
  unit.status === undefined ? undefined : (JSON.parse(unit.status.json) as DocumentStatus);

const appliedOf = ({ plan, expansion, consent }: Unit): ReadonlyArray<StoreRecord> =>
  plan.orphaned || plan.hold !== null ? [] : appliedRecords(plan, expansion, consent);

/** A document of which nothing is left has no status either. */
const forgottenStatuses = ({ units, records }: Concluded): ReadonlyArray<string> => {
  const told = new Set(units.map((unit) => formatAddress(unit.plan.document)));
  return records.flatMap((record) =>
    record._tag === "Status" && !told.has(formatAddress(record.document))
      ? [recordKey(record)]
      : [],
  );
};
