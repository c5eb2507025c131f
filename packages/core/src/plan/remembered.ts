// Keeps apart what the store remembers of one document, in an order that does not depend on the store's.

import { compareText } from "../words/diagnostic.ts";
import { type DocumentAddress, formatAddress, sameAddress } from "../words/document.ts";
import { oncePer } from "../words/once.ts";
import {
  type AdoptionRecord,
  type AppliedRecord,
  type ApprovalRecord,
  type BurialRecord,
  type DestructionRecord,
  type DocumentRecord,
  type ExhaustionRecord,
  type IntentRecord,
  type MemberRecord,
  type OverrideRecord,
  type QuarantineRecord,
  recordKey,
  type RemovalRecord,
  type RestartRecord,
  type RolloutRecord,
  type StoreRecord,
  type SuspensionRecord,
} from "../words/record.ts";

export interface Remembered {
  readonly document: DocumentRecord | undefined;
  /** The document under the name that it had before. */
  readonly former: DocumentRecord | undefined;
  readonly applied: ReadonlyArray<AppliedRecord>;
  readonly members: ReadonlyArray<MemberRecord>;
  readonly burials: ReadonlyArray<BurialRecord>;
  readonly intents: ReadonlyArray<IntentRecord>;
  readonly removals: ReadonlyArray<RemovalRecord>;
  readonly adoptions: ReadonlyArray<AdoptionRecord>;
  readonly suspensions: ReadonlyArray<SuspensionRecord>;
  readonly quarantines: ReadonlyArray<QuarantineRecord>;
  readonly destructions: ReadonlyArray<DestructionRecord>;
  readonly restarts: ReadonlyArray<RestartRecord>;
  readonly overrides: ReadonlyArray<OverrideRecord>;
  readonly exhaustions: ReadonlyArray<ExhaustionRecord>;
  readonly rollout: RolloutRecord | undefined;
  readonly approvals: ReadonlyArray<ApprovalRecord>;
}

/** All records, sorted by key and gathered by the document that they speak of. */
export interface RecordIndex {
  readonly byDocument: ReadonlyMap<string, ReadonlyArray<StoreRecord>>;
  readonly documents: ReadonlyArray<DocumentRecord>;
  readonly approvals: ReadonlyArray<ApprovalRecord>;
}

/** A store that was not written to answers the same records, and they are sorted once. */
export const indexRecords: (records: ReadonlyArray<StoreRecord>) => RecordIndex = oncePer(
  (records) => {
    const byDocument = new Map<string, Array<StoreRecord>>();
    const documents: Array<DocumentRecord> = [];
    const approvals: Array<ApprovalRecord> = [];
    for (const record of sortRecords(records)) {
      if (record._tag === "Approval") approvals.push(record);
      if (record._tag === "Document") documents.push(record);
      if (!("document" in record)) continue;
      const address = formatAddress(record.document);
      const list = byDocument.get(address);
      if (list === undefined) byDocument.set(address, [record]);
      else list.push(record);
    }
    return { byDocument, documents, approvals };
  },
);

const sortRecords = (records: ReadonlyArray<StoreRecord>): ReadonlyArray<StoreRecord> =>
  records
    .map((record) => [recordKey(record), record] as const)
    .sort(([a], [b]) => compareText(a, b))
    .map(([, record]) => record);

/** What is remembered of a document under any of its names; the first name is its own. */
export const rememberedOf = (
  index: RecordIndex,
  names: ReadonlyArray<DocumentAddress>,
): Remembered => {
  const mine = names.flatMap((name) => index.byDocument.get(formatAddress(name)) ?? []);
  const of = <Tag extends StoreRecord["_tag"]>(tag: Tag) =>
    mine.filter(
      (record): record is Extract<StoreRecord, { readonly _tag: Tag }> => record._tag === tag,
    );
  return {
    document: of("Document").find((record) => sameAddress(record.document, names[0]!)),
    former: of("Document").find((record) => !sameAddress(record.document, names[0]!)),
    applied: of("Applied"),
    members: of("Member"),
    burials: of("Burial"),
    intents: of("Intent"),
    removals: of("Removal"),
    adoptions: of("Adoption"),
    suspensions: of("Suspension"),
    quarantines: of("Quarantine"),
    destructions: of("Destruction"),
    restarts: of("Restart"),
    overrides: of("Override"),
    exhaustions: of("Exhaustion"),
    rollout: of("Rollout").find((record) => sameAddress(record.document, names[0]!)),
    approvals: index.approvals,
  };
};
