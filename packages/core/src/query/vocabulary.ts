// What may be asked: the names of the fields, what their values are, and which rows are left out unasked.

import { nearest, suggestion } from "../read/suggest.ts";
import type { FieldType } from "./tree.ts";

/** A field by its type. `values` are all there can be, in lower-case ASCII. */
export type FieldSpec =
  | { readonly type: "text" | "boolean" | "number" | "time" | "list" }
  | { readonly type: "enum"; readonly values: ReadonlyArray<string> }
  | {
      readonly type: "enum-list";
      readonly values: ReadonlyArray<string>;
      /** A word that stands for each of the values. */
      readonly any?: string;
    };

/** A field with its full name. */
export type Field = FieldSpec & { readonly name: string };

export interface Vocabulary {
  readonly fields: Readonly<Record<string, FieldSpec>>;
  /** First parts of names behind which anything may follow: `label` for `label.rack`. All text. */
  readonly open: ReadonlyArray<string>;
  readonly scope?: Scope;
}

/** Rows for which a boolean field is true are left out, unless a query names it. */
export interface Scope {
  readonly unless: string;
  /** Values of other fields that only such rows can have: who asks for one names the field. */
  readonly implied: ReadonlyArray<{ readonly field: string; readonly value: string }>;
}

const openName = /^[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*$/u;
const longestOpenName = 128;

/** The field of this name; nothing when there is none. */
export const fieldOf = (name: string, vocabulary: Vocabulary): Field | undefined => {
  if (Object.hasOwn(vocabulary.fields, name)) return { ...vocabulary.fields[name]!, name };
  const [first, rest] = split(name);
  if (!vocabulary.open.includes(first) || rest.length > longestOpenName) return undefined;
  return openName.test(rest) ? { type: "text", name } : undefined;
};

/** Which field was probably meant, or else the fields there are. */
export const fieldHint = (name: string, vocabulary: Vocabulary): string | undefined => {
  const [first, rest] = split(name);
  const open = rest === "" ? undefined : nearest(first, vocabulary.open);
  const names = Object.keys(vocabulary.fields);
  const known = open === undefined ? names : [...names, `${open}.${rest}`];
  return suggestion(name, known, "fields") ?? `fields: ${listed(vocabulary)}`;
};

const listed = ({ fields, open }: Vocabulary): string =>
  [...Object.keys(fields), ...open.map((first) => `${first}.NAME`)].join(", ");

const split = (name: string): readonly [first: string, rest: string] => {
  const dot = name.indexOf(".");
  return dot === -1 ? [name, ""] : [name.slice(0, dot), name.slice(dot + 1)];
};

/** Whether its values are a closed list, which is compared without regard to case. */
export const isClosed = (field: Field): field is Extract<Field, { type: "enum" | "enum-list" }> =>
  field.type === "enum" || field.type === "enum-list";

const typeNames: Readonly<Record<FieldType, string>> = {
  text: "text",
  enum: "one of a few words",
  boolean: "true or false",
  number: "a number",
  time: "a time",
  list: "a list of texts",
  "enum-list": "a list of a few words",
};

/** As messages say what a field holds. */
export const typeName = (field: Field): string => typeNames[field.type];
