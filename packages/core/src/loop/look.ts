// One look at the world, and what plan makes of it.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { observe } from "../observe/observe.ts";
import { overridden } from "../plan/override.ts";
import { expand, plan, vanishedDocuments } from "../plan/plan.ts";
import { planning } from "../report/steps.ts";
import { consentRecords, documentRecord, onlyNews, rolloutRecords } from "../report/bookkeeping.ts";
import { Store, type StoreError } from "../store/store.ts";
import { type Document, type DocumentAddress, formatAddress } from "../words/document.ts";
import { effectiveChanges, type Plan } from "../words/plan.ts";
import type { Observation } from "../words/provider.ts";
import type { AppliedRecord, DocumentRecord, StatusRecord, StoreRecord } from "../words/record.ts";
import type { Expansion } from "../words/set.ts";
import { tell, type TurnInput } from "./input.ts";

/** A document, asked for or vanished, with all that is known of it. */
export interface Unit {
  readonly plan: Plan;
  /** Nothing for a document that vanished. */
  readonly document: Document | undefined;
  readonly expansion: Expansion;
  readonly observation: Observation | undefined;
  readonly record: DocumentRecord | undefined;
  readonly status: StatusRecord | undefined;
  /** How many members the numbers stand for, by set. */
  readonly consent: ReadonlyArray<AppliedRecord>;
  /** All that the store holds of it, under its former name too. */
  readonly records: ReadonlyArray<StoreRecord>;
  /** What the store shall remember of the document itself, when that is news. */
  readonly news: ReadonlyArray<StoreRecord>;
}

export interface Look {
  readonly records: ReadonlyArray<StoreRecord>;
  readonly units: ReadonlyArray<Unit>;
}

export const look = Effect.fn("look")(function* (
  input: TurnInput,
  documents: ReadonlyArray<Document>,
  round: number,
  /** Only these; all when not given. */
  isMeant: (document: DocumentAddress) => boolean = () => true,
): Effect.fn.Return<Look, StoreError, Store> {
  const store = yield* Store;
  const records = yield* store.load(input.policy.owner);
  const known = records.filter((record): record is DocumentRecord => record._tag === "Document");
  const now = yield* Clock.currentTimeMillis;
  const overrides = records.filter((record) => record._tag === "Override");
  const expansions = [
    ...documents
      .filter(isMeant)
      .map((document) => overridden(expand(input.kinds, document), overrides, now).expansion),
    ...(input.complete === false ? [] : vanishedDocuments(documents, known))
      .filter(({ document }) => isMeant(document))
      .map((record) => record.expansion),
  ];
  const observations = yield* observe(input.handlers, expansions, records, input.pace);
  yield* tell(input, { type: "observed", documents: expansions.length, round });
  const plans = yield* planning(() =>
    plan({
      kinds: input.kinds,
      documents,
      complete: input.complete ?? true,
      about: new Set(expansions.map(({ document }) => formatAddress(document))),
      observations,
      records,
      policy: input.policy,
      now,
    }),
  );
  const changes = plans.reduce((sum, one) => sum + effectiveChanges(one).length, 0);
  yield* tell(input, { type: "planned", changes, round });
  return {
    records,
    units: gather({ input, documents, expansions, observations, records, plans, now }),
  };
});

interface Gathered {
  readonly input: TurnInput;
  readonly documents: ReadonlyArray<Document>;
  readonly expansions: ReadonlyArray<Expansion>;
  readonly observations: ReadonlyArray<Observation>;
  readonly records: ReadonlyArray<StoreRecord>;
  readonly plans: ReadonlyArray<Plan>;
  readonly now: number;
}

const gather = (gathered: Gathered): ReadonlyArray<Unit> => {
  const { input, documents, expansions, observations, records, plans } = gathered;
  const since = new Date(gathered.now).toISOString();
  const asked = new Map(documents.map((one) => [formatAddress(one), one]));
  const expanded = new Map(expansions.map((one) => [formatAddress(one.document), one]));
  const seen = new Map(observations.map((one) => [formatAddress(one.document), one]));
  const held = Map.groupBy(
    records.filter((record) => "document" in record),
    (record) => formatAddress(record.document),
  );
  return plans.map((one): Unit => {
    const address = formatAddress(one.document);
    const document = asked.get(address);
    const expansion = expanded.get(address)!;
    const own = held.get(address) ?? [];
    const about = [one.document, ...formerOf(expansion)].flatMap(
      (name) => held.get(formatAddress(name)) ?? [],
    );
    const record = own.find((candidate) => candidate._tag === "Document");
    const before = about.filter((candidate) => candidate._tag === "Applied");
    const consent = one.seen && !one.orphaned ? consentRecords(one, expansion, before, since) : [];
    return {
      plan: one,
      document,
      expansion,
      observation: seen.get(address),
      record,
      status: own.find((candidate) => candidate._tag === "Status"),
      records: about,
      consent,
      news:
        document === undefined
          ? []
          : [
              ...newsOf(input, document, record),
              ...onlyNews(consent, before),
              ...rolloutRecords(
                one,
                expansion,
                own.find((candidate) => candidate._tag === "Rollout"),
                gathered.now,
              ),
            ],
    };
  });
};

const formerOf = ({ document, previousName }: Expansion): ReadonlyArray<DocumentAddress> =>
  previousName === undefined ? [] : [{ kind: document.kind, name: previousName }];

const newsOf = (
  input: TurnInput,
  document: Document,
  before: DocumentRecord | undefined,
): ReadonlyArray<StoreRecord> =>
  onlyNews(
    [documentRecord(document, expand(input.kinds, document), before, input.mandate.revision)],
    before === undefined ? [] : [before],
  );
