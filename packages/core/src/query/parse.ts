// Reads the text of a query against a vocabulary: the tree it means, or all that is wrong with it.

import * as Result from "effect/Result";
import { quote } from "../words/quote.ts";
import { blaming } from "./fault.ts";
import type { Blame, QueryFault } from "./fault.ts";
import { readTokens } from "./lexer.ts";
import type { Token } from "./lexer.ts";
import { printQuery } from "./print.ts";
import { positionAt } from "./tree.ts";
import type { Condition, Query, SortKey, Term } from "./tree.ts";
import { isComparison, isReserved, readTest } from "./value.ts";
import type { ReadTest, Value } from "./value.ts";
import { fieldHint, fieldOf } from "./vocabulary.ts";
import type { Field, Vocabulary } from "./vocabulary.ts";

/** The longest query, in UTF-16 code units, as it is written and as `printQuery` writes it. */
export const queryLimit = 10_000;

/** How deep parentheses may stand in each other. */
export const nestingLimit = 32;

/** Never throws, whatever the text is. An empty one asks for everything. */
export const parseQuery = (
  text: string,
  vocabulary: Vocabulary,
): Result.Result<Query, ReadonlyArray<QueryFault>> => {
  const faults: Array<QueryFault> = [];
  const blame = blaming(faults);
  const tooLong = `the query is longer than ${queryLimit} characters`;
  if (text.length > queryLimit) {
    blame(queryLimit, tooLong);
    return Result.fail(faults);
  }
  const reading = { tokens: readTokens(text, blame), index: 0, depth: 0, vocabulary, blame };
  const query = readQuery(reading);
  if (faults.length === 0 && printQuery(query).length > queryLimit) blame(0, tooLong);
  if (faults.length === 0) return Result.succeed(query);
  return Result.fail(faults.toSorted((a, b) => a.at.offset - b.at.offset));
};

interface Reading {
  readonly tokens: ReadonlyArray<Token>;
  readonly vocabulary: Vocabulary;
  readonly blame: Blame;
  index: number;
  depth: number;
}

const peek = (reading: Reading, ahead = 0): Token =>
  reading.tokens[Math.min(reading.index + ahead, reading.tokens.length - 1)]!;

const take = (reading: Reading): Token => {
  const token = peek(reading);
  if (token.type !== "end") reading.index += 1;
  return token;
};

const is = (token: Token, type: Token["type"], text: string): boolean =>
  token.type === type && token.text === text;

const takeIf = (reading: Reading, type: Token["type"], text: string): boolean => {
  if (!is(peek(reading), type, text)) return false;
  take(reading);
  return true;
};

/** A token as messages name it. */
const shown = (token: Token): string =>
  token.type === "end" ? "the end of the query" : quote(token.text);

const readQuery = (reading: Reading): Query => {
  const empty = peek(reading).type === "end" || isSort(reading);
  const where = empty ? null : readOr(reading);
  const sort = isSort(reading) ? readSort(reading) : [];
  const rest = peek(reading);
  if (rest.type !== "end") {
    const behind = sort.length > 0 ? "sort: stands at the end" : restHint(rest);
    reading.blame(rest.offset, `${shown(rest)} was not expected here`, behind);
  }
  return { where, sort };
};

const restHint = (rest: Token): string | undefined => {
  if (rest.type !== "mark") return undefined;
  if (rest.text === ")") return 'there is no "(" that it closes';
  if (rest.text === "," || rest.text === "|") return "a list stands in parentheses: field:(a, b)";
  return undefined;
};

const isSort = (reading: Reading): boolean =>
  is(peek(reading), "word", "sort") && is(peek(reading, 1), "operator", ":");

const readOr = (reading: Reading): Condition | null => {
  const parts = [readAnd(reading)];
  while (takeIf(reading, "word", "OR")) parts.push(readAnd(reading));
  return joined("or", parts);
};

const readAnd = (reading: Reading): Condition | null => {
  const parts = [readNot(reading)];
  while (goesOn(reading)) {
    takeIf(reading, "word", "AND");
    parts.push(readNot(reading));
  }
  return joined("and", parts);
};

/** Whether another condition follows without an OR between. */
const goesOn = (reading: Reading): boolean => {
  const next = peek(reading);
  if (next.type === "word") return next.text !== "OR" && !isSort(reading);
  return is(next, "mark", "(") || is(next, "mark", "-") || next.type === "quoted";
};

/** What was blamed is nothing, and so is left out. */
const joined = (type: "and" | "or", parts: ReadonlyArray<Condition | null>): Condition | null => {
  const kept = parts.filter((part) => part !== null);
  return kept.length > 1 ? { type, parts: kept } : (kept[0] ?? null);
};

const readNot = (reading: Reading): Condition | null => {
  const negated = takeIf(reading, "mark", "-") || takeIf(reading, "word", "NOT");
  const part = readPrimary(reading);
  return negated && part !== null ? not(part) : part;
};

const not = (part: Condition): Condition =>
  part.type === "not" ? part.part : { type: "not", part };

const readPrimary = (reading: Reading): Condition | null => {
  const token = peek(reading);
  if (is(token, "mark", "(")) return readGroup(reading);
  if (isSort(reading)) {
    take(reading);
    reading.blame(token.offset, '"sort" is no condition', "sort: stands at the end");
    return null;
  }
  if (token.type === "word" && !isReserved(token.text)) return readTerm(reading);
  reading.blame(token.offset, `a condition was expected, not ${shown(token)}`, conditionHint);
  // What closes or separates is left to whoever waits for it.
  if (token.type !== "mark" && !is(token, "word", "OR")) take(reading);
  return null;
};

const conditionHint = "a condition is FIELD:VALUE";

const readGroup = (reading: Reading): Condition | null => {
  const open = take(reading);
  if (reading.depth === nestingLimit) {
    reading.blame(open.offset, `parentheses stand deeper than ${nestingLimit} in each other`);
    return skipGroup(reading);
  }
  reading.depth += 1;
  const condition = readOr(reading);
  reading.depth -= 1;
  if (takeIf(reading, "mark", ")")) return condition;
  const found = peek(reading);
  reading.blame(found.offset, `")" was expected, not ${shown(found)}`, restHint(found));
  return null;
};

/** Goes on behind the parenthesis that closes the one that was read. */
const skipGroup = (reading: Reading): null => {
  for (let open = 1; open > 0 && peek(reading).type !== "end";) {
    const token = take(reading);
    if (is(token, "mark", "(")) open += 1;
    if (is(token, "mark", ")")) open -= 1;
  }
  return null;
};

const readTerm = (reading: Reading): Condition | null => {
  const name = take(reading);
  const ofAge = name.text === "age" && takeIf(reading, "mark", "(");
  const named = ofAge ? readAged(reading) : name;
  if (named === null) return null;
  const operator = peek(reading);
  if (operator.type !== "operator") {
    reading.blame(name.offset, `${shown(named)} says nothing of a value`, wordHint(named, reading));
    return null;
  }
  take(reading);
  const field = knownField(named, reading);
  const value = readValue(reading, operator);
  if (field === undefined || value === null) return null;
  const test = readTest({ field, operator, value, ofAge }, reading.blame);
  return test === null ? null : termOf(field, name, test);
};

const termOf = ({ name, type }: Field, token: Token, read: ReadTest): Condition => {
  const at = positionAt(token.offset);
  const term: Term = { type: "term", field: name, fieldType: type, test: read.test, at };
  return read.negated ? not(term) : term;
};

/** The name in `age(NAME)`, of which the parenthesis was read. */
const readAged = (reading: Reading): Token | null => {
  const name = peek(reading);
  if (name.type === "word" && is(peek(reading, 1), "mark", ")")) {
    take(reading);
    take(reading);
    return name;
  }
  reading.blame(name.offset, "an age is that of one field", "such as age(last_seen) > 24h");
  return null;
};

const wordHint = ({ text }: Token, { vocabulary }: Reading): string => {
  if (/^(?:and|or|not)$/iu.test(text)) return `write ${text.toUpperCase()} in capitals`;
  const field = fieldOf(text, vocabulary);
  if (field === undefined) return conditionHint;
  return field.type === "boolean" ? `such as ${text}:true` : `such as ${text}:* or ${text}:null`;
};

const knownField = ({ text, offset }: Token, { vocabulary, blame }: Reading): Field | undefined => {
  const field = fieldOf(text, vocabulary);
  if (field === undefined) {
    blame(offset, `there is no field ${quote(text)}`, fieldHint(text, vocabulary));
  }
  return field;
};

/** What stands behind an operator, whatever the field; nothing when it was blamed. */
const readValue = (reading: Reading, operator: Token): Value | null => {
  const next = peek(reading);
  const colon = operator.text === ":";
  if (colon && next.offset !== operator.end) return nothing(reading, operator);
  if (is(next, "mark", "(")) return only(reading, operator, readList(reading));
  if (is(next, "mark", "[")) return only(reading, operator, readRange(reading));
  if (colon && isComparison(next.text) && next.type === "operator") {
    const comparison = take(reading);
    const bound = readScalar(reading, comparison);
    return bound === null ? null : { type: "compare", comparison, bound };
  }
  const scalar = readScalar(reading, operator);
  return scalar === null ? null : { type: "scalar", scalar };
};

/** Lists and ranges stand behind a colon alone. */
const only = (reading: Reading, operator: Token, value: Value | null): Value | null => {
  if (operator.text === ":" || value === null) return value;
  const summary = `a ${value.type} stands behind ":", not behind ${quote(operator.text)}`;
  reading.blame(operator.offset, summary);
  return null;
};

const nothing = (reading: Reading, before: Token): null => {
  const summary = `there is no value behind ${quote(before.text)}`;
  reading.blame(before.end, summary, "no value is null, such as role:null");
  return null;
};

const readScalar = (reading: Reading, before: Token): Token | null => {
  const token = peek(reading);
  if (token.type === "quoted") return take(reading);
  if (token.type !== "word") return nothing(reading, before);
  if (!isReserved(token.text)) {
    blameCondition(reading, token);
    return take(reading);
  }
  const hint = `if that word is meant, write ${quote(token.text)}`;
  reading.blame(token.offset, `there is no value before ${token.text}`, hint);
  return null;
};

/** A forgotten value makes the next condition one; it would match nothing, and nobody would know. */
const blameCondition = ({ vocabulary, blame }: Reading, { text, offset }: Token): void => {
  const name = /^[^:=~<>!]+(?=[:=~<>!])/u.exec(text)?.[0];
  if (name === undefined || fieldOf(name, vocabulary) === undefined) return;
  blame(offset, `${quote(text)} is a condition, not a value`, "if it is a value, put it in quotes");
};

const readList = (reading: Reading): Value | null => {
  const scalars: Array<Token> = [];
  let before = take(reading);
  for (;;) {
    const scalar = readScalar(reading, before);
    if (scalar === null) return skipped(reading, ")");
    scalars.push(scalar);
    before = peek(reading);
    if (takeIf(reading, "mark", ")")) return { type: "list", scalars };
    const goes =
      takeIf(reading, "mark", ",") || takeIf(reading, "mark", "|") || takeIf(reading, "word", "OR");
    if (goes) continue;
    reading.blame(before.offset, `"," or ")" was expected, not ${shown(before)}`);
    return skipped(reading, ")");
  }
};

const readRange = (reading: Reading): Value | null => {
  const from = readScalar(reading, take(reading));
  if (from === null) return skipped(reading, "]");
  const between = peek(reading);
  if (!takeIf(reading, "word", "TO")) {
    reading.blame(between.offset, `TO was expected, not ${shown(between)}`, "such as [1 TO 5]");
    return skipped(reading, "]");
  }
  const to = readScalar(reading, between);
  if (to === null) return skipped(reading, "]");
  const end = peek(reading);
  if (takeIf(reading, "mark", "]")) return { type: "range", from, to };
  reading.blame(end.offset, `"]" was expected, not ${shown(end)}`);
  return skipped(reading, "]");
};

/** Goes on behind what closes a list or range that was blamed. */
const skipped = (reading: Reading, close: string): null => {
  while (peek(reading).type !== "end" && !takeIf(reading, "mark", close)) take(reading);
  return null;
};

const readSort = (reading: Reading): ReadonlyArray<SortKey> => {
  const keys: Array<SortKey> = [];
  take(reading);
  let before = take(reading);
  do {
    const key = readSortKey(reading, before);
    if (key !== null) keys.push(key);
    before = peek(reading);
  } while (takeIf(reading, "mark", ","));
  return keys;
};

const readSortKey = (reading: Reading, before: Token): SortKey | null => {
  const name = readScalar(reading, before);
  if (name === null) return null;
  const field = knownField(name, reading);
  const order = takeIf(reading, "operator", ":") ? readOrder(reading) : "asc";
  if (field === undefined || order === null) return null;
  if (field.type !== "list" && field.type !== "enum-list") {
    return { field: field.name, fieldType: field.type, order };
  }
  reading.blame(name.offset, `${field.name} has many values, and so no order`);
  return null;
};

const readOrder = (reading: Reading): "asc" | "desc" | null => {
  const order = take(reading);
  if (order.type === "word" && (order.text === "asc" || order.text === "desc")) return order.text;
  reading.blame(order.offset, `${shown(order)} is no order`, "orders: asc, desc");
  return null;
};
