// A query as it was understood: conditions on fields, and the order of what they leave.

/** A place in a query, which is taken as one line. */
export interface Position {
  /** UTF-16 code units before it. */
  readonly offset: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
}

export const positionAt = (offset: number): Position => ({ offset, column: offset + 1 });

/** What the values of a field are. Of a `list` and an `enum-list` a row has any number. */
export type FieldType = "text" | "enum" | "boolean" | "number" | "time" | "list" | "enum-list";

export interface Query {
  /** Nothing when everything is asked for. */
  readonly where: Condition | null;
  readonly sort: ReadonlyArray<SortKey>;
}

/** `and` and `or` have two parts at least; a `not` never holds another one. */
export type Condition =
  | { readonly type: "and" | "or"; readonly parts: ReadonlyArray<Condition> }
  | { readonly type: "not"; readonly part: Condition }
  | Term;

/** One question to one field. */
export interface Term {
  readonly type: "term";
  readonly field: string;
  readonly fieldType: FieldType;
  readonly test: Test;
  /** Where it begins. */
  readonly at: Position;
}

/**
 * - `null`: known to have no value
 * - `value`: has one
 * - `unknown`: was never observed; the one test that always has an answer
 * - `among`: is one of these, or for a list: one of its values is
 * - `contains`: holds the text somewhere, or one of its values does
 * - `compare`, `range`: lies so; a range counts both of its ends
 */
export type Test =
  | { readonly type: "null" }
  | { readonly type: "value" }
  | { readonly type: "unknown" }
  | { readonly type: "among"; readonly operands: ReadonlyArray<Operand> }
  | { readonly type: "contains"; readonly text: string }
  | { readonly type: "compare"; readonly comparison: Comparison; readonly bound: Bound }
  | { readonly type: "range"; readonly from: Bound; readonly to: Bound };

/**
 * Of an enum, `value` is lower case. In a `pattern`, `*` stands for any text and `?` for one
 * character; nothing else is special.
 */
export type Operand =
  | { readonly type: "exact"; readonly value: string | number | boolean }
  | { readonly type: "glob"; readonly pattern: string };

export type Comparison = ">" | ">=" | "<" | "<=";

/** A `time` in milliseconds since 1970, or an `age`: milliseconds from there to now. */
export interface Bound {
  readonly type: "number" | "time" | "age";
  readonly value: number;
}

export interface SortKey {
  readonly field: string;
  readonly fieldType: FieldType;
  readonly order: "asc" | "desc";
}

/** The names of the fields that a query asks of, as often as it does. */
export const fieldsAsked = ({ where, sort }: Query): ReadonlyArray<string> => [
  ...(where === null ? [] : fieldsIn(where)),
  ...sort.map(({ field }) => field),
];

const fieldsIn = (condition: Condition): ReadonlyArray<string> => {
  if (condition.type === "term") return [condition.field];
  return condition.type === "not" ? fieldsIn(condition.part) : condition.parts.flatMap(fieldsIn);
};
