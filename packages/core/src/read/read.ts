// The verb read: text becomes documents, and every fault on the way is told with its place.

import {
  compareDiagnostics,
  compareText,
  type Diagnostic,
  type Place,
} from "../words/diagnostic.ts";
import { compareAddresses, type Document } from "../words/document.ts";
import type { Kind } from "../words/kind.ts";
import { contestedClaims, type Claim } from "./claims.ts";
import { decodeDocument, readyKinds, type DecodedDocument, type ReadyKinds } from "./document.ts";
import { parseJson } from "./json.ts";
import { defaultLimits, formatSize, type ReadLimits } from "./limits.ts";
import { indexLines, type PlaceOf } from "./lines.ts";
import { offsetOf, type ParsedDocument } from "./nodes.ts";
import { makeOffsetOf, type OffsetOf } from "./places.ts";
import { plainDocument } from "./plain.ts";
import { isJsonFile, tooLarge, type SourceText } from "./source.ts";
import { atMost, documentDiagnostic, textDiagnostic } from "./tell.ts";
import { parseYaml } from "./yaml.ts";

export { codeFrame, formatDiagnostic } from "./format.ts";
export { jsonSchemaOf } from "./json-schema.ts";
export { defaultLimits, type ReadLimits } from "./limits.ts";
export { allowedName, isName, nameExpected, nameHint, namePattern } from "./names.ts";
export { checkRules, rule, withRules, type Rule } from "./rules.ts";
export { decodeSource, isDocumentFile, isSourceText, type SourceText } from "./source.ts";
export { nearest } from "./suggest.ts";

/** What was read. With errors among the diagnostics, documents are missing: nothing has vanished. */
export interface ReadResult {
  /** Those without fault, by kind and name. */
  readonly documents: ReadonlyArray<Document>;
  /** By file, line and column. */
  readonly diagnostics: ReadonlyArray<Diagnostic>;
}

/**
 * Reads every document of every source. The same sources in any order give the same result.
 *
 * `limits` default to `defaultLimits`; what lies beyond one is refused, with a diagnostic.
 */
export const readDocuments = (
  kinds: ReadonlyArray<Kind>,
  sources: ReadonlyArray<SourceText>,
  limits: Partial<ReadLimits> = {},
): ReadResult => {
  const reading: Reading = {
    kinds: readyKinds(kinds),
    limits: { ...defaultLimits, ...limits },
    entries: [],
    diagnostics: [],
    size: 0,
    documents: 0,
  };
  for (const source of sources.toSorted((a, b) => compareText(a.file, b.file))) {
    readSource(reading, source);
  }
  const contested = contestedClaims(reading.entries.map((entry) => entry.claim));
  return {
    documents: reading.entries
      .filter((entry) => !contested.claims.has(entry.claim))
      .flatMap((entry) => entry.document ?? [])
      .toSorted(compareAddresses),
    diagnostics: [...reading.diagnostics, ...contested.diagnostics].toSorted(compareDiagnostics),
  };
};

/** One pass over all sources. */
interface Reading {
  readonly kinds: ReadyKinds;
  readonly limits: ReadLimits;
  readonly entries: Array<Entry>;
  readonly diagnostics: Array<Diagnostic>;
  size: number;
  documents: number;
}

/** A document that has a kind and a name; sound when `document` is there. */
interface Entry {
  readonly claim: Claim;
  readonly document?: Document;
}

const readSource = (reading: Reading, source: SourceText): void => {
  const refusal = refusalOf(reading, source);
  if (refusal !== undefined) {
    reading.diagnostics.push(refusal);
    return;
  }
  const { limits } = reading;
  const text = source.text.replace(/^\u{feff}/u, "");
  reading.size += text.length;
  const parsed = isJsonFile(source.file) ? parseJson(text, limits) : parseYaml(text, limits);
  const placeOf = indexLines(source.file, text);
  const found = parsed.faults.map((fault) => textDiagnostic(placeOf, fault));
  for (const document of parsed.documents) readDocument(reading, placeOf, document, found);
  reading.documents += parsed.documents.length;
  reading.diagnostics.push(...atMost(found.toSorted(compareDiagnostics), limits.faultsPerFile));
};

const refusalOf = (reading: Reading, { file, text }: SourceText): Diagnostic | undefined => {
  const { limits } = reading;
  if (text.length > limits.fileSize) return tooLarge(file, text.length, limits.fileSize);
  const whole = { file, line: 1, column: 1, severity: "error", hint: "read fewer files" } as const;
  if (reading.size + text.length > limits.totalSize) {
    const limit = formatSize(limits.totalSize);
    return { ...whole, summary: `not read: all files together have more than ${limit}` };
  }
  if (reading.documents >= limits.documents) {
    return { ...whole, summary: `not read: there are ${limits.documents} documents already` };
  }
  return undefined;
};

const readDocument = (
  reading: Reading,
  placeOf: PlaceOf,
  parsed: ParsedDocument,
  found: Array<Diagnostic>,
): void => {
  for (const fault of parsed.faults) found.push(textDiagnostic(placeOf, fault));
  // What follows a broken line is guesswork, and its faults would be too.
  if (parsed.faults.some((fault) => fault.severity === "error")) return;
  const plain = plainDocument(parsed.root, reading.limits);
  const decoded = decodeDocument(reading.kinds, plain.value, plain.faults);
  const whereIs = makeOffsetOf(parsed.root, plain.aliases);
  for (const fault of decoded.faults) found.push(documentDiagnostic(placeOf, whereIs, fault));
  const entry = entryOf(placeOf, parsed, decoded, whereIs);
  if (entry !== undefined) reading.entries.push(entry);
};

const entryOf = (
  placeOf: PlaceOf,
  parsed: ParsedDocument,
  { header, document }: DecodedDocument,
  whereIs: OffsetOf,
): Entry | undefined => {
  const { kind, name, previousName } = header;
  if (kind === undefined || name === undefined) return undefined;
  const placeOfField = (field: string): Place =>
    placeOf(whereIs({ path: ["metadata", field], on: "value" }));
  const claim: Claim = {
    kind,
    name,
    nameAt: placeOfField("name"),
    previousNameAt: placeOfField("previousName"),
    ...(previousName === undefined ? {} : { previousName }),
  };
  if (document === undefined) return { claim };
  return { claim, document: { ...document, place: placeOf(offsetOf(parsed.root) ?? 0) } };
};
