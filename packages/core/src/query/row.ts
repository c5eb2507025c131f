// What is known of one thing that can be asked for, field by field.

import type { FieldType } from "./tree.ts";

/**
 * A time is in milliseconds since 1970, an enum in any case of its letters. An empty list counts as
 * no value.
 */
export type RowValue = string | number | boolean | ReadonlyArray<string> | PartList;

/**
 * A list of which only a part is known: these values are in it, those may be, and no others are.
 * Without any that may be it is a list like others.
 */
export interface PartList {
  readonly known: ReadonlyArray<string>;
  readonly unknown: ReadonlyArray<string>;
}

/** `null`: known to have no value. `undefined`, or not there: never observed, and so unknown. */
export type Row = Readonly<Record<string, RowValue | null | undefined>>;

/**
 * What a row says of a field. A value of another type says nothing of it, and neither does a text
 * that no database keeps: it is unknown.
 */
export const cellOf = (
  row: Row,
  field: string,
  fieldType: FieldType,
): RowValue | null | undefined => {
  const value = Object.hasOwn(row, field) ? row[field] : undefined;
  if (value === null || value === undefined) return value;
  switch (fieldType) {
    case "text":
    case "enum":
      return isText(value) ? value : undefined;
    case "boolean":
      return typeof value === "boolean" ? value : undefined;
    case "number":
    case "time":
      return isNumber(value) ? value : undefined;
    case "list":
    case "enum-list":
      return listCell(value);
  }
};

const listCell = (value: RowValue): RowValue | null | undefined => {
  if (isTexts(value)) return value.length === 0 ? null : value;
  if (!isPartList(value) || !isTexts(value.known) || !isTexts(value.unknown)) return undefined;
  return value.unknown.length === 0 ? listCell(value.known) : value;
};

export const isPartList = (value: RowValue): value is PartList =>
  typeof value === "object" && !Array.isArray(value);

/** Whether a value can be kept as it is: no NaN, no half of a character, no U+0000. */
export const isKept = (value: RowValue): boolean =>
  typeof value === "boolean" ||
  isText(value) ||
  isNumber(value) ||
  isTexts(value) ||
  (isPartList(value) && isTexts(value.known) && isTexts(value.unknown));

const isText = (value: RowValue): value is string =>
  typeof value === "string" && value.isWellFormed() && !value.includes("\0");

const isNumber = (value: RowValue): value is number => Number.isFinite(value);

const isTexts = (value: RowValue): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every(isText);
