// Reads what every document has: apiVersion, kind, metadata, and that nothing else stands beside spec.

import type { Json, JsonObject } from "../words/json.ts";
import type { Kind } from "../words/kind.ts";
import { quote } from "../words/quote.ts";
import type { DocumentFault, Path } from "./fault.ts";
import { isName, nameExpected, nameHint } from "./names.ts";
import { describe, missingField, unknownField, wrongType } from "./schema-faults.ts";
import { suggestion } from "./suggest.ts";

export const apiVersion = "fleet.v1";

/** What could be read; a field that is missing or wrong is absent, and one of the faults. */
export interface Header {
  readonly kind?: string;
  readonly name?: string;
  readonly previousName?: string;
  readonly spec?: JsonObject;
  readonly faults: ReadonlyArray<DocumentFault>;
}

export const readHeader = (value: Json, kinds: ReadonlyMap<string, Kind>): Header => {
  if (!isMap(value)) return { faults: [noDocument(value)] };
  const kind = readKind(value, kinds);
  const metadata = readMetadata(value);
  const spec = readSpec(value, kind.kind !== undefined);
  return {
    ...kind,
    ...metadata,
    ...spec,
    faults: [
      ...unknownFields(value, [], ["apiVersion", "kind", "metadata", "spec"]),
      ...readVersion(value, kinds.get(kind.kind ?? "")),
      ...kind.faults,
      ...metadata.faults,
      ...spec.faults,
    ],
  };
};

type Part = { readonly faults: ReadonlyArray<DocumentFault> };

const isMap = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const noDocument = (value: Json): DocumentFault => ({
  path: [],
  on: "value",
  summary: `a document must be a map of fields, but is ${describe(value)}`,
  hint: Array.isArray(value)
    ? 'in YAML, put "---" between several documents'
    : 'it begins with "kind:"',
});

const unknownFields = (
  value: JsonObject,
  base: Path,
  known: ReadonlyArray<string>,
): ReadonlyArray<DocumentFault> =>
  Object.keys(value)
    .filter((name) => !known.includes(name))
    .map((name) => unknownField([...base, name], known));

const readVersion = (value: JsonObject, kind: Kind | undefined): ReadonlyArray<DocumentFault> => {
  const found = value["apiVersion"];
  const hint = `write "apiVersion: ${apiVersion}"`;
  if (found === apiVersion) return [];
  if (Object.hasOwn(value, "apiVersion")) {
    return [wrongType(["apiVersion"], quote(apiVersion), found, hint)];
  }
  return kind?.apiVersionOptional === false ? [missingField(["apiVersion"], hint)] : [];
};

const readKind = (
  value: JsonObject,
  kinds: ReadonlyMap<string, Kind>,
): Part & { readonly kind?: string } => {
  const known = [...kinds.keys()];
  const found = value["kind"];
  if (found === undefined) {
    const hint = suggestion("", known, "the kinds are") ?? 'add "kind:"';
    return { faults: [missingField(["kind"], hint)] };
  }
  if (typeof found !== "string") return { faults: [wrongType(["kind"], "text", found)] };
  if (kinds.has(found)) return { kind: found, faults: [] };
  const hint = suggestion(found, known, "the kinds are");
  const summary = `unknown kind ${quote(found)}`;
  return {
    faults: [{ path: ["kind"], on: "value", summary, ...(hint === undefined ? {} : { hint }) }],
  };
};

const readSpec = (value: JsonObject, known: boolean): Part & { readonly spec?: JsonObject } => {
  const found = value["spec"];
  if (found === undefined) return { faults: [missingField(["spec"])] };
  if (isMap(found)) return { spec: found, faults: [] };
  return { faults: known ? [wrongType(["spec"], "a map of fields", found)] : [] };
};

const readMetadata = (
  value: JsonObject,
): Part & { readonly name?: string; readonly previousName?: string } => {
  const found = value["metadata"];
  if (found === undefined) {
    return { faults: [missingField(["metadata"], 'add "metadata:" with a "name:" in it')] };
  }
  if (!isMap(found)) return { faults: [wrongType(["metadata"], "a map of fields", found)] };
  const name = readName(found, "name");
  const previousName = readName(found, "previousName");
  const faults = [
    ...unknownFields(found, ["metadata"], ["name", "previousName"]),
    ...(Object.hasOwn(found, "name") ? name.faults : [missingField(["metadata", "name"])]),
    ...previousName.faults,
  ];
  if (name.text !== undefined && name.text === previousName.text) {
    return { name: name.text, faults: [...faults, sameName(name.text)] };
  }
  return {
    ...(name.text === undefined ? {} : { name: name.text }),
    ...(previousName.text === undefined ? {} : { previousName: previousName.text }),
    faults,
  };
};

const readName = (metadata: JsonObject, field: string): Part & { readonly text?: string } => {
  if (!Object.hasOwn(metadata, field)) return { faults: [] };
  const found = metadata[field];
  const path = ["metadata", field];
  if (typeof found !== "string") return { faults: [wrongType(path, "text", found)] };
  if (isName(found)) return { text: found, faults: [] };
  return { faults: [wrongType(path, nameExpected, found, nameHint(found))] };
};

const sameName = (name: string): DocumentFault => ({
  path: ["metadata", "previousName"],
  on: "value",
  summary: `previousName ${quote(name)} is the document's own name`,
  hint: "leave it out, or write the name that the document had before",
});
