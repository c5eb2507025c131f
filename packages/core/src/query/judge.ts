// Decides what a query says of a row: true, false, or unknown where the row does not tell.

import { compareText } from "../words/diagnostic.ts";
import { makeGlob } from "./glob.ts";
import { atMoment } from "./moment.ts";
import { cellOf, isPartList } from "./row.ts";
import type { Row, RowValue } from "./row.ts";
import type {
  Comparison,
  Condition,
  FieldType,
  Operand,
  Query,
  SortKey,
  Term,
  Test,
} from "./tree.ts";

/** Only `true` matches. What is unknown stays so when it is negated. */
export type Truth = true | false | "unknown";

export type Judge = (row: Row) => Truth;

/** What a query says of rows. `now`, for ages: milliseconds since 1970. */
export const makeJudge = ({ where }: Query, now: number): Judge =>
  where === null ? () => true : judgeOf(where, now);

/**
 * The rows that match, in the order that the query asks for, and else as they came. In either order
 * those without a value come behind the others, and those of whom it is unknown last.
 */
export const selectRows = <A>(
  query: Query,
  items: ReadonlyArray<A>,
  rowOf: (item: A) => Row,
  now: number,
): ReadonlyArray<A> => {
  const judge = makeJudge(query, now);
  const matching = items.filter((item) => judge(rowOf(item)) === true);
  if (query.sort.length === 0) return matching;
  return matching.toSorted((a, b) => compareRows(query.sort, rowOf(a), rowOf(b)));
};

const judgeOf = (condition: Condition, now: number): Judge => {
  switch (condition.type) {
    case "term":
      return judgeTerm(condition, now);
    case "not":
      return negated(judgeOf(condition.part, now));
    case "and":
      return all(
        condition.parts.map((part) => judgeOf(part, now)),
        false,
      );
    case "or":
      return all(
        condition.parts.map((part) => judgeOf(part, now)),
        true,
      );
  }
};

const negated =
  (judge: Judge): Judge =>
  (row) => {
    const truth = judge(row);
    return truth === "unknown" ? truth : !truth;
  };

/** One part that is `decisive` decides; else one that is unknown leaves all unknown. */
const all =
  (judges: ReadonlyArray<Judge>, decisive: boolean): Judge =>
  (row) => {
    let truth: Truth = !decisive;
    for (const judge of judges) {
      const part = judge(row);
      if (part === decisive) return decisive;
      if (part === "unknown") truth = part;
    }
    return truth;
  };

const judgeTerm = ({ field, fieldType, test }: Term, now: number): Judge => {
  const hasValue: Judge = observed(field, fieldType, (cell) => cell !== null && hasAny(cell));
  if (test.type === "unknown") return (row) => hasValue(row) === "unknown";
  if (test.type === "null") return negated(hasValue);
  if (test.type === "value") return hasValue;
  const holds = valueTest(atMoment(test, now), fieldType);
  return observed(field, fieldType, (cell) => cell !== null && anyOf(cell, holds));
};

const observed =
  (field: string, fieldType: FieldType, says: (cell: RowValue | null) => Truth): Judge =>
  (row) => {
    const cell = cellOf(row, field, fieldType);
    return cell === undefined ? "unknown" : says(cell);
  };

/** While none of a list is known, whether it has any is unknown. */
const hasAny = (cell: RowValue): Truth =>
  isPartList(cell) && cell.known.length === 0 ? "unknown" : true;

type Scalar = string | number | boolean;

const anyOf = (cell: RowValue, holds: (value: Scalar) => boolean): Truth => {
  if (typeof cell !== "object") return holds(cell);
  if (!isPartList(cell)) return cell.some(holds);
  return cell.known.some(holds) || (cell.unknown.some(holds) ? "unknown" : false);
};

const valueTest = (test: Test, fieldType: FieldType): ((value: Scalar) => boolean) => {
  switch (test.type) {
    case "among": {
      const folds = fieldType === "enum" || fieldType === "enum-list";
      const among = amongTest(test.operands);
      return folds ? (value) => among(lowerCase(String(value))) : among;
    }
    case "contains":
      return (value) => String(value).includes(test.text);
    case "compare":
      return (value) => compares(Number(value), test.comparison, test.bound.value);
    case "range":
      return (value) => Number(value) >= test.from.value && Number(value) <= test.to.value;
    default:
      return () => true;
  }
};

const amongTest = (operands: ReadonlyArray<Operand>): ((value: Scalar) => boolean) => {
  const exact = new Set(operands.flatMap((one) => (one.type === "exact" ? [one.value] : [])));
  const globs = operands.flatMap((one) => (one.type === "glob" ? [makeGlob(one.pattern)] : []));
  return (value) => exact.has(value) || globs.some((glob) => glob(String(value)));
};

/** Of ASCII letters alone, which every database folds alike. */
const lowerCase = (text: string): string =>
  text.replace(/[A-Z]/gu, (letter) => letter.toLowerCase());

const compares = (value: number, comparison: Comparison, bound: number): boolean => {
  switch (comparison) {
    case ">":
      return value > bound;
    case ">=":
      return value >= bound;
    case "<":
      return value < bound;
    case "<=":
      return value <= bound;
  }
};

const compareRows = (keys: ReadonlyArray<SortKey>, a: Row, b: Row): number => {
  for (const { field, fieldType, order } of keys) {
    const [left, right] = [cellOf(a, field, fieldType), cellOf(b, field, fieldType)];
    const missing = missingRank(left) - missingRank(right);
    if (missing !== 0) return missing;
    const compared = left == null || right == null ? 0 : compareCells(left, right);
    if (compared !== 0) return order === "asc" ? compared : -compared;
  }
  return 0;
};

const missingRank = (cell: RowValue | null | undefined): number =>
  cell === undefined ? 2 : cell === null ? 1 : 0;

const compareCells = (a: RowValue, b: RowValue): number =>
  typeof a === "string" && typeof b === "string" ? compareText(a, b) : Number(a) - Number(b);
