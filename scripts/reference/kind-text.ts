// Decides how the fields of a kind stand in docs/reference/kinds: from the schema that reads documents.

import { jsonSchemaOf, type Json, type JsonObject, type Kind } from "@muster/core";
import { code, prose, row } from "./markdown.ts";

export const kindText = (kind: Kind): string => {
  const schema = jsonSchemaOf([kind]);
  const [document] = schema["oneOf"] as ReadonlyArray<JsonObject>;
  const definitions = schema["$defs"] as JsonObject;
  return [prose(kind.about), ...tables("", resolve(document!, definitions), definitions)].join(
    "\n\n",
  );
};

/** A table of the fields of an object, then those of the objects within it. */
const tables = (at: string, object: JsonObject, definitions: JsonObject): ReadonlyArray<string> => {
  const fields = Object.entries((object["properties"] ?? {}) as JsonObject).map(
    ([name, schema]) => ({ name, schema: resolve(schema as JsonObject, definitions) }),
  );
  const required = new Set((object["required"] ?? []) as ReadonlyArray<string>);
  const rows = fields.map(({ name, schema }) =>
    row([
      code(name),
      typeOf(schema),
      required.has(name) ? "required" : fallback(schema),
      bounds(schema),
      prose(textOf(schema["description"])),
    ]),
  );
  const heading = at === "" ? "## Document" : `## ${code(at)}`;
  const head = [row(["field", "type", "default", "bounds", ""]), row(Array(5).fill("---"))];
  const below = fields.flatMap(({ name, schema }) => {
    const inner = at === "" ? name : `${at}.${name}`;
    const item = schema["items"] as JsonObject | undefined;
    if (schema["properties"] !== undefined) return tables(inner, schema, definitions);
    return item === undefined ? [] : tables(`${inner}[]`, resolve(item, definitions), definitions);
  });
  return [`${heading}\n\n${[...head, ...rows].join("\n")}`, ...below.filter(hasRows)];
};

/** A list of plain values has no fields of its own. */
const hasRows = (table: string): boolean => table.split("\n").length > 4;

const resolve = (schema: JsonObject, definitions: JsonObject): JsonObject => {
  const reference = schema["$ref"];
  if (typeof reference !== "string") return schema;
  const name = reference.slice("#/$defs/".length).replaceAll("~1", "/").replaceAll("~0", "~");
  return resolve(definitions[name] as JsonObject, definitions);
};

const textOf = (value: Json | undefined): string => (typeof value === "string" ? value : "");

const typeOf = (schema: JsonObject): string => {
  if (schema["const"] !== undefined) return code(textOf(schema["const"]));
  const choices = schema["enum"];
  if (Array.isArray(choices)) return choices.map((one) => code(String(one))).join(" or ");
  const any = (schema["anyOf"] ?? schema["oneOf"]) as ReadonlyArray<JsonObject> | undefined;
  if (any !== undefined) return [...new Set(any.map(typeOf))].join(" or ");
  const type = textOf(schema["type"]);
  return typeWords[type] ?? (type === "" ? "any" : type);
};

const typeWords: Readonly<Record<string, string>> = {
  string: "text",
  integer: "whole number",
  object: "map",
  array: "list",
  boolean: "`true` or `false`",
};

const fallback = (schema: JsonObject): string =>
  schema["default"] === undefined ? "" : code(plain(schema["default"]));

const plain = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

/** What a value must keep to; a pattern that fills a line says less than its description. */
const bounds = (schema: JsonObject): string => {
  const has = (key: string): string | undefined =>
    schema[key] === undefined ? undefined : plain(schema[key]);
  const [least, above] = [has("minimum"), has("exclusiveMinimum")];
  const most = has("maximum");
  const pattern = has("pattern");
  return [
    least === undefined ? "" : `at least ${least}`,
    above === undefined ? "" : `above ${above}`,
    most === undefined ? "" : `at most ${most}`,
    sizes(has("minLength"), has("maxLength"), "characters"),
    sizes(has("minItems"), has("maxItems"), "entries"),
    sizes(has("minProperties"), has("maxProperties"), "entries"),
    pattern === undefined || pattern.length > 60 ? "" : code(pattern),
  ]
    .filter((part) => part !== "")
    .join(", ");
};

const sizes = (least: string | undefined, most: string | undefined, noun: string): string => {
  if (least !== undefined && most !== undefined) return `${least} to ${most} ${noun}`;
  if (least !== undefined) return `at least ${least} ${noun}`;
  return most === undefined ? "" : `at most ${most} ${noun}`;
};
