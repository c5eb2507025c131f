// Reads a file that holds one value of a schema, and no document: a scenario, say.

import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { compareDiagnostics, type Diagnostic } from "../words/diagnostic.ts";
import { withoutEchoes } from "./document.ts";
import type { DocumentFault } from "./fault.ts";
import { parseJson } from "./json.ts";
import { defaultLimits, type ReadLimits } from "./limits.ts";
import { indexLines } from "./lines.ts";
import type { ParsedDocument, ParsedFile } from "./nodes.ts";
import { makeOffsetOf } from "./places.ts";
import { plainDocument } from "./plain.ts";
import { describe, schemaFaults, wrongType } from "./schema-faults.ts";
import { isJsonFile, tooLarge, type SourceText } from "./source.ts";
import { atMost, documentDiagnostic, textDiagnostic } from "./tell.ts";
import { parseYaml } from "./yaml.ts";

/** `value` is there when nothing is wrong. */
export interface ReadValue<A> {
  readonly value?: A;
  /** By line and column. */
  readonly diagnostics: ReadonlyArray<Diagnostic>;
}

/**
 * The one value of a file, with every fault at once. `noun` names the value for people, such as
 * `a scenario`.
 */
export const readValue = <A>(
  schema: Schema.Codec<A, unknown>,
  noun: string,
  { file, text }: SourceText,
): ReadValue<A> => {
  const limits = defaultLimits;
  if (text.length > limits.fileSize) {
    return { diagnostics: [tooLarge(file, text.length, limits.fileSize)] };
  }
  const whole = text.replace(/^\u{feff}/u, "");
  const placeOf = indexLines(file, whole);
  const parsed = isJsonFile(file) ? parseJson(whole, limits) : parseYaml(whole, limits);
  const torn = [...parsed.faults, ...parsed.documents.flatMap((document) => document.faults)];
  const found = torn.map((fault) => textDiagnostic(placeOf, fault));
  const one = onlyOne(parsed);
  if (torn.some((fault) => fault.severity === "error")) return told(found, limits);
  if (one === undefined) return told([...found, notOne(file, noun, parsed)], limits);
  const plain = plainDocument(one.root, limits);
  const decoded = decode(schema, noun, plain.value);
  const whereIs = makeOffsetOf(one.root, plain.aliases);
  const faults = withoutEchoes(plain.faults, decoded.faults);
  found.push(...faults.map((fault) => documentDiagnostic(placeOf, whereIs, fault)));
  return {
    ...(faults.length > 0 || decoded.value === undefined ? {} : { value: decoded.value }),
    ...told(found, limits),
  };
};

const told = (found: ReadonlyArray<Diagnostic>, limits: ReadLimits) => ({
  diagnostics: atMost(found.toSorted(compareDiagnostics), limits.faultsPerFile),
});

const onlyOne = ({ documents }: ParsedFile): ParsedDocument | undefined =>
  documents.length === 1 ? documents[0] : undefined;

const notOne = (file: string, noun: string, { documents }: ParsedFile): Diagnostic => ({
  file,
  line: 1,
  column: 1,
  severity: "error",
  summary:
    documents.length === 0 ? "the file is empty" : `the file holds ${documents.length} documents`,
  hint: `write ${noun} into it, and nothing else`,
});

const decode = <A>(
  schema: Schema.Codec<A, unknown>,
  noun: string,
  value: ReturnType<typeof plainDocument>["value"],
): { readonly value?: A; readonly faults: ReadonlyArray<DocumentFault> } => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const fault = wrongType([], "a map of fields", value);
    return {
      faults: [{ ...fault, summary: `${noun} is a map of fields, not ${describe(value)}` }],
    };
  }
  const result = Schema.decodeUnknownResult(schema)(value, {
    errors: "all",
    onExcessProperty: "error",
  });
  return Result.isSuccess(result)
    ? { value: result.success, faults: [] }
    : { faults: schemaFaults(result.failure.issue, [], value) };
};
