// One JSON Schema for editors, from the schemas that the reader decodes with.

import * as Schema from "effect/Schema";
import type { Json, JsonObject } from "../words/json.ts";
import type { Kind } from "../words/kind.ts";
import { apiVersion } from "./header.ts";
import { nameExpected, namePattern } from "./names.ts";

/** A JSON Schema (draft 2020-12) of a document of any of these kinds. Cross-field rules are not in it. */
export const jsonSchemaOf = (kinds: ReadonlyArray<Kind>): JsonObject => {
  const parts = kinds.map(kindSchema);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "muster document",
    oneOf: parts.map((part) => part.document),
    $defs: Object.assign({}, ...parts.map((part) => part.definitions)) as JsonObject,
  };
};

interface KindSchema {
  readonly document: JsonObject;
  readonly definitions: JsonObject;
}

const kindSchema = (kind: Kind): KindSchema => {
  const made = Schema.toJsonSchemaDocument(kind.spec, { onExcessProperty: "error" });
  const rename = (name: string): string => `${kind.name}.${name}`;
  const definitions: Record<string, Json> = {};
  for (const [name, definition] of Object.entries(made.definitions)) {
    definitions[rename(name)] = renameReferences(definition as Json, rename);
  }
  const spec = renameReferences(made.schema as Json, rename);
  return { document: documentSchema(kind, spec), definitions };
};

const documentSchema = (kind: Kind, spec: Json): JsonObject => ({
  title: kind.name,
  description: kind.about,
  type: "object",
  properties: {
    apiVersion: { const: apiVersion, description: "The version of the document format." },
    kind: { const: kind.name, description: "What sort of document this is." },
    metadata: metadataSchema,
    spec,
  },
  required: [...(kind.apiVersionOptional ? [] : ["apiVersion"]), "kind", "metadata", "spec"],
  additionalProperties: false,
});

const nameSchema = (description: string): JsonObject => ({
  type: "string",
  pattern: namePattern.source,
  description: `${description}: ${nameExpected}.`,
});

const metadataSchema: JsonObject = {
  type: "object",
  properties: {
    name: nameSchema("The document's name, unique among its kind"),
    previousName: nameSchema("The name that the document had before; its members move along"),
  },
  required: ["name"],
  additionalProperties: false,
};

const localReference = "#/$defs/";

/** Keeps the definitions of two kinds apart. */
const renameReferences = (value: Json, rename: (name: string) => string): Json => {
  if (Array.isArray(value)) return value.map((inner: Json) => renameReferences(inner, rename));
  if (value === null || typeof value !== "object") return value;
  const renamed: Record<string, Json> = {};
  for (const [key, inner] of Object.entries(value as JsonObject)) {
    renamed[key] =
      key === "$ref" && typeof inner === "string" && inner.startsWith(localReference)
        ? localReference + rename(inner.slice(localReference.length))
        : renameReferences(inner, rename);
  }
  return renamed;
};
