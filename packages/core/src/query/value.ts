// Decides what a value asks of a field, by the field's type: a test, or why it is none.

import { suggestion } from "../read/suggest.ts";
import { quote } from "../words/quote.ts";
import { parseTime, timeExpected, timeHint } from "../words/time.ts";
import { ageHint, parseAge } from "./age.ts";
import type { Blame } from "./fault.ts";
import { makeGlob } from "./glob.ts";
import type { Token } from "./lexer.ts";
import type { Bound, Comparison, Operand, Test } from "./tree.ts";
import { isClosed, typeName } from "./vocabulary.ts";
import type { Field } from "./vocabulary.ts";

/** What stands behind an operator, as it was read. */
export type Value =
  | { readonly type: "scalar"; readonly scalar: Token }
  | { readonly type: "list"; readonly scalars: ReadonlyArray<Token> }
  | { readonly type: "range"; readonly from: Token; readonly to: Token }
  | { readonly type: "compare"; readonly comparison: Token; readonly bound: Token };

export interface Question {
  readonly field: Field;
  readonly operator: Token;
  readonly value: Value;
  /** Whether the age of the field is asked for. */
  readonly ofAge: boolean;
}

const reserved = new Set(["AND", "OR", "NOT", "TO"]);

/** Words of the language itself; as a value they stand in quotes. */
export const isReserved = (word: string): boolean => reserved.has(word);

const keywords = new Set(["null", "unknown"]);

/** Whether a word without quotes would be read as more than its letters, in any case of them. */
export const isKeyword = (word: string): boolean =>
  keywords.has(word.toLowerCase()) || isReserved(word);

export const isComparison = (operator: string): operator is Comparison =>
  operator === ">" || operator === ">=" || operator === "<" || operator === "<=";

/** A test, and whether its operator turns it round. */
export interface ReadTest {
  readonly test: Test;
  readonly negated: boolean;
}

/** Nothing when it was blamed. */
export const readTest = (question: Question, blame: Blame): ReadTest | null => {
  const { operator, ofAge, value } = question;
  const asked = ofAge ? readAgeTest(question, blame) : readPlainTest(question, blame);
  if (asked === null) return null;
  if (value.type === "range" && asked.type === "range" && asked.from.value > asked.to.value) {
    blame(value.from.offset, "nothing lies in this range", "the lower end comes first");
    return null;
  }
  return { test: asked, negated: operator.text.startsWith("!") };
};

const readPlainTest = (question: Question, blame: Blame): Test | null => {
  const { field, operator, value } = question;
  if (value.type === "compare") return compare(field, value.comparison, value.bound, blame);
  if (value.type === "range") return range(field, value.from, value.to, blame);
  if (value.type === "list") return among(field, value.scalars, blame);
  if (isComparison(operator.text)) return compare(field, operator, value.scalar, blame);
  if (operator.text === "~" || operator.text === "!~") return contains(field, value.scalar, blame);
  const word = value.scalar.type === "word" ? value.scalar.text : "";
  if (operator.text === ":" && word === "null") return { type: "null" };
  if (operator.text === ":" && word === "unknown") return { type: "unknown" };
  if (operator.text === ":" && isEvery(word)) return { type: "value" };
  return among(field, [value.scalar], blame);
};

const isEvery = (word: string): boolean => /^\*+$/u.test(word);

/** Two moments are hardly ever a whole age apart, so ages are compared and never equal. */
const readAgeTest = (question: Question, blame: Blame): Test | null => {
  const { field, operator, value } = question;
  if (field.type !== "time") {
    blame(operator.offset, `${field.name} is ${typeName(field)}, and has no age`);
    return null;
  }
  if (!isComparing(operator, value)) {
    blame(operator.offset, "an age is compared", `such as age(${field.name}) > 24h`);
    return null;
  }
  const test = readPlainTest(question, blame);
  if (test === null || boundOf(test)?.type === "age") return test;
  blame(operator.end, "an age is compared with an age", ageHint);
  return null;
};

const isComparing = (operator: Token, value: Value): boolean =>
  value.type === "compare" || value.type === "range" || isComparison(operator.text);

const boundOf = (test: Test): Bound | undefined => {
  if (test.type === "compare") return test.bound;
  return test.type === "range" ? test.from : undefined;
};

const compare = (field: Field, operator: Token, scalar: Token, blame: Blame): Test | null => {
  const bound = readBound(field, scalar, blame);
  const comparison = operator.text;
  return bound === null || !isComparison(comparison)
    ? null
    : { type: "compare", comparison, bound };
};

const range = (field: Field, low: Token, high: Token, blame: Blame): Test | null => {
  const from = readBound(field, low, blame);
  const to = from === null ? null : readBound(field, high, blame);
  if (from === null || to === null) return null;
  if (from.type === to.type) return { type: "range", from, to };
  blame(high.offset, "a range goes between two times or between two ages");
  return null;
};

const readBound = (field: Field, scalar: Token, blame: Blame): Bound | null => {
  if (field.type === "number") {
    const value = readNumber(field, scalar, blame);
    return value === null ? null : { type: "number", value };
  }
  if (field.type === "time") {
    const age = scalar.type === "word" ? parseAge(scalar.text) : undefined;
    if (age !== undefined) return { type: "age", value: age };
    const value = readTime(field, scalar, blame);
    return value === null ? null : { type: "time", value };
  }
  blame(scalar.offset, `${field.name} is ${typeName(field)}, and has no order`);
  return null;
};

const among = (field: Field, scalars: ReadonlyArray<Token>, blame: Blame): Test | null => {
  const read = scalars.map((scalar) => readOperands(field, scalar, blame));
  if (read.includes(null)) return null;
  // The word for any of the values leaves nothing for the others to add.
  if (read.includes("any")) return { type: "value" };
  return {
    type: "among",
    operands: read.flatMap((operands) => operands as ReadonlyArray<Operand>),
  };
};

const readOperands = (
  field: Field,
  scalar: Token,
  blame: Blame,
): ReadonlyArray<Operand> | "any" | null => {
  if (isClosed(field)) return readClosed(field, scalar, blame);
  if (field.type === "text" || field.type === "list") return readText(field, scalar, blame);
  const value = readTyped(field, scalar, blame);
  return value === null ? null : [{ type: "exact", value }];
};

const readTyped = (field: Field, scalar: Token, blame: Blame): number | boolean | null => {
  if (field.type === "number") return readNumber(field, scalar, blame);
  if (field.type === "time") return readTime(field, scalar, blame);
  return readBoolean(field, scalar, blame);
};

const readText = (field: Field, scalar: Token, blame: Blame): ReadonlyArray<Operand> | null => {
  if (!isLiteral(field, scalar, blame)) return null;
  const { type, text } = scalar;
  if (type === "quoted" || !isGlob(text)) return [{ type: "exact", value: text }];
  return [{ type: "glob", pattern: text.replace(/\*+/gu, "*") }];
};

const isGlob = (word: string): boolean => /[*?]/u.test(word);

/** Whether a text may stand for itself, or for what its wildcards match. */
const isLiteral = (field: Field, { type, text, offset }: Token, blame: Blame): boolean => {
  if (text === "") {
    blame(offset, "the text is empty", `no value is ${field.name}:null`);
    return false;
  }
  if (type === "quoted") return true;
  if (isEvery(text) || isKeyword(text)) {
    const hint = `write ${field.name}:${text.toLowerCase()}, or ${quote(text)} for the word itself`;
    blame(offset, `${quote(text)} is no text here`, hint);
    return false;
  }
  return true;
};

const readClosed = (
  field: Extract<Field, { readonly values: ReadonlyArray<string> }>,
  { type, text, offset }: Token,
  blame: Blame,
): ReadonlyArray<Operand> | "any" | null => {
  const word = text.toLowerCase();
  if (field.type === "enum-list" && word === field.any) return "any";
  const globs = type === "word" && isGlob(word) && !isEvery(word);
  const meant = field.values.filter(globs ? makeGlob(word) : (value) => value === word);
  if (meant.length > 0) return meant.map((value) => ({ type: "exact", value }));
  const summary = `${field.name} is never ${text === "" ? "empty" : quote(text)}`;
  blame(offset, summary, suggestion(word, wordsOf(field), "values"));
  return null;
};

const wordsOf = (field: Extract<Field, { readonly values: ReadonlyArray<string> }>) =>
  field.type === "enum-list" && field.any !== undefined
    ? [...field.values, field.any]
    : field.values;

const contains = (field: Field, scalar: Token, blame: Blame): Test | null => {
  const { type, text, offset } = scalar;
  if (isClosed(field)) return containsClosed(field, scalar, blame);
  if (field.type !== "text" && field.type !== "list") {
    blame(offset, `${field.name} is ${typeName(field)}, and holds no text`);
    return null;
  }
  if (!isLiteral(field, scalar, blame)) return null;
  if (type === "quoted" || !isGlob(text)) return { type: "contains", text };
  const hint = `write ${field.name}:${text}, or ${quote(text)} for the characters themselves`;
  blame(offset, "behind ~ there are no wildcards", hint);
  return null;
};

const containsClosed = (
  field: Extract<Field, { readonly values: ReadonlyArray<string> }>,
  { text, offset }: Token,
  blame: Blame,
): Test | null => {
  const values = field.values.filter((value) => value.includes(text.toLowerCase()));
  if (text !== "" && values.length > 0) {
    return { type: "among", operands: values.map((value) => ({ type: "exact", value })) };
  }
  blame(
    offset,
    `no value of ${field.name} holds ${quote(text)}`,
    suggestion(text, field.values, "values"),
  );
  return null;
};

/** So many digits survive the way through text, number and database unchanged. */
const numberPattern = /^-?[0-9]{1,9}(?:\.[0-9]{1,6})?$/u;

const readNumber = (field: Field, scalar: Token, blame: Blame): number | null => {
  if (scalar.type === "word" && numberPattern.test(scalar.text)) return Number(scalar.text);
  return wrongType(field, scalar, blame, "such as 5 or -0.25");
};

const readTime = (field: Field, scalar: Token, blame: Blame): number | null => {
  const time = parseTime(scalar.text);
  // Beyond the years of four digits it could not be written down again.
  if (time !== undefined && new Date(time).toISOString().length === 24) return time;
  if (scalar.type === "word" && parseAge(scalar.text) !== undefined) {
    blame(scalar.offset, "nothing is exactly so old", `such as ${field.name}:<${scalar.text}`);
    return null;
  }
  return wrongType(field, scalar, blame, `${timeExpected}, ${timeHint}; or an age, ${ageHint}`);
};

const readBoolean = (field: Field, scalar: Token, blame: Blame): boolean | null => {
  const word = scalar.type === "word" ? scalar.text.toLowerCase() : "";
  if (word === "true" || word === "false") return word === "true";
  return wrongType(field, scalar, blame, suggestion(word, ["true", "false"], "values"));
};

const wrongType = (field: Field, { text, offset }: Token, blame: Blame, hint?: string): null => {
  blame(offset, `${field.name} is ${typeName(field)}, not ${quote(text)}`, hint);
  return null;
};
