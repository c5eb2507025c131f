// Decides everything: from what is asked, seen and remembered to one plan per document. Pure.

import {
  compareAddresses,
  type Document,
  type DocumentAddress,
  formatAddress,
} from "../words/document.ts";
import type { Kind } from "../words/kind.ts";
import { oncePer } from "../words/once.ts";
import type { Plan } from "../words/plan.ts";
import type { DocumentRecord } from "../words/record.ts";
import type { Expansion } from "../words/set.ts";
import { overridden } from "./override.ts";
import { planDocument } from "./document.ts";
import type { PlanInput } from "./input.ts";
import { planOrphan } from "./orphan.ts";
import { indexRecords, rememberedOf } from "./remembered.ts";

/**
 * One plan per document, and one per document that vanished, sorted by kind and name.
 * The same inputs in any order give the same bytes.
 */
export const plan = (input: PlanInput): ReadonlyArray<Plan> => {
  const records = indexRecords(input.records);
  const observed = new Map(
    input.observations.map((observation) => [formatAddress(observation.document), observation]),
  );
  const isMeant = (address: DocumentAddress): boolean =>
    input.about === undefined || input.about.has(formatAddress(address));
  const asked = input.documents.filter(isMeant).map((document) => {
    const remembered = rememberedOf(records, [document, ...previousOf(document)]);
    const own = expand(input.kinds, document);
    return planDocument({
      document,
      ...overridden(own, remembered.overrides, input.now),
      observation: observed.get(formatAddress(document)),
      remembered,
      policy: input.policy,
      now: input.now,
    });
  });
  const vanished = input.complete ? vanishedDocuments(input.documents, records.documents) : [];
  const orphans = vanished
    .filter(({ document }) => isMeant(document))
    .map((record) =>
      planOrphan({
        record,
        observation: observed.get(formatAddress(record.document)),
        remembered: rememberedOf(records, [record.document]),
        policy: input.policy,
        now: input.now,
      }),
    );
  return [...asked, ...orphans].sort((a, b) => compareAddresses(a.document, b.document));
};

/** What a document asks for. A document of an unknown kind never gets here: read refuses it. */
export const expand = (kinds: ReadonlyArray<Kind>, document: Document): Expansion => {
  const kind = kinds.find((candidate) => candidate.name === document.kind);
  if (kind === undefined) throw new TypeError(`no plugin brings the kind ${document.kind}`);
  return expansionOf(kind)(document);
};

/** The documents of a loop stay the same from tick to tick, and so does what they ask for. */
const expansionOf = oncePer((kind: Kind) => oncePer((document: Document) => kind.expand(document)));

/** Documents that the store remembers and no file asks for any more, under no name. */
export const vanishedDocuments = (
  documents: ReadonlyArray<Document>,
  records: ReadonlyArray<DocumentRecord>,
): ReadonlyArray<DocumentRecord> => {
  const asked = new Set(
    documents.flatMap((document) => [document, ...previousOf(document)].map(formatAddress)),
  );
  return records.filter((record) => !asked.has(formatAddress(record.document)));
};

const previousOf = (document: Document): ReadonlyArray<DocumentAddress> =>
  document.previousName === undefined ? [] : [{ kind: document.kind, name: document.previousName }];
