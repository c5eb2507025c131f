// Writes a query down so that it reads as the same one again.

import { quote } from "../words/quote.ts";
import { printAge } from "./age.ts";
import type { Bound, Condition, FieldType, Operand, Query, SortKey, Term, Test } from "./tree.ts";
import { isKeyword } from "./value.ts";

/** The text of a query. Nothing in it acts on a terminal. */
export const printQuery = ({ where, sort }: Query): string =>
  [
    ...(where === null ? [] : [printCondition(where)]),
    ...(sort.length === 0 ? [] : [`sort:${sort.map(printKey).join(",")}`]),
  ].join(" ");

const printCondition = (condition: Condition): string => {
  switch (condition.type) {
    case "term":
      return printTerm(condition);
    case "not":
      return `NOT ${within(condition.part, condition.part.type !== "term")}`;
    case "and":
      return condition.parts
        .map((part) => within(part, part.type === "and" || part.type === "or"))
        .join(" AND ");
    case "or":
      return condition.parts.map((part) => within(part, part.type === "or")).join(" OR ");
  }
};

const within = (condition: Condition, apart: boolean): string =>
  apart ? `(${printCondition(condition)})` : printCondition(condition);

const printTerm = ({ field, fieldType, test }: Term): string =>
  `${field}${printTest(test, fieldType)}`;

const printTest = (test: Test, fieldType: FieldType): string => {
  switch (test.type) {
    case "null":
      return ":null";
    case "value":
      return ":*";
    case "unknown":
      return ":unknown";
    case "among":
      return `:${printOperands(test.operands, fieldType)}`;
    case "contains":
      return `~${printText(test.text)}`;
    case "compare":
      return `:${test.comparison}${printBound(test.bound)}`;
    case "range":
      return `:[${printBound(test.from)} TO ${printBound(test.to)}]`;
  }
};

const printOperands = (operands: ReadonlyArray<Operand>, fieldType: FieldType): string => {
  const texts = operands.map((operand) => printOperand(operand, fieldType));
  return texts.length === 1 ? texts[0]! : `(${texts.join(", ")})`;
};

const printOperand = (operand: Operand, fieldType: FieldType): string => {
  if (operand.type === "glob") return operand.pattern;
  const { value } = operand;
  if (typeof value === "string") return printText(value);
  return typeof value === "number" && fieldType === "time" ? printTime(value) : String(value);
};

const plainWord = /^[A-Za-z0-9_][A-Za-z0-9_./@-]*$/u;

const printText = (text: string): string =>
  plainWord.test(text) && !isKeyword(text) ? text : quote(text, text.length);

const printBound = ({ type, value }: Bound): string => {
  if (type === "age") return printAge(value);
  return type === "time" ? printTime(value) : String(value);
};

const printTime = (millis: number): string => new Date(millis).toISOString();

const printKey = ({ field, order }: SortKey): string =>
  order === "asc" ? field : `${field}:${order}`;
