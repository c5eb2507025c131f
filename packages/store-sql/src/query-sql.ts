// Says in SQL what a query asks of rows whose fields lie in one JSON column, with the same three answers.

import { atMoment } from "@muster/core/query/moment";
import { isKept } from "@muster/core/query/row";
import type { Row } from "@muster/core/query/row";
import type { Condition, FieldType, Operand, Query, Term, Test } from "@muster/core/query/tree";

export type Dialect = "sqlite" | "postgres";

/** A condition that is true, false, or NULL where it is unknown. */
export interface SqlCondition {
  /** Its parameters are numbered, `?1` or `$1`; one may stand in it more than once. */
  readonly sql: string;
  /** In the order of their numbers; all of them are text. */
  readonly parameters: ReadonlyArray<string>;
}

export interface SqlOptions {
  readonly dialect: Dialect;
  /** For ages: milliseconds since 1970. */
  readonly now: number;
}

/**
 * The text to keep in the column. A field that is unknown is left out, and one that has no value is
 * `null`; so is each value that cannot be kept, such as half a character: it is unknown.
 */
export const encodeFields = (row: Row): string =>
  JSON.stringify(
    Object.fromEntries(
      Object.entries(row).filter(
        ([name, value]) => value !== undefined && isKept(name) && (value === null || isKept(value)),
      ),
    ),
  );

/**
 * The condition over a table with a column `fields`, as `encodeFields` writes it: text in SQLite,
 * `jsonb` in Postgres. Nothing of the query stands in its SQL, names of fields included.
 *
 * A session of Postgres should have `jit` off: compiling a query of some hundred conditions on
 * lists takes it minutes, and answering it milliseconds.
 */
export const queryToSql = ({ where }: Query, { dialect, now }: SqlOptions): SqlCondition => {
  const parameters: Array<string> = [];
  const numbers = new Map<string, number>();
  const parameter = (value: string): number => {
    const known = numbers.get(value);
    if (known !== undefined) return known;
    const number = parameters.push(value);
    numbers.set(value, number);
    return number;
  };
  const sql = where === null ? "TRUE" : conditionSql(where, dialects[dialect](parameter), now);
  return { sql, parameters };
};

/** How a dialect says it. Whatever takes a name or text makes it a parameter. */
interface Speech {
  readonly text: (value: string) => string;
  readonly number: (value: number) => string;
  /** The JSON type of a field, NULL when it is not there. */
  readonly kind: (field: string) => string;
  /** Names of JSON types as `kind` has them. */
  readonly kinds: Readonly<Record<"text" | "number" | "boolean" | "list", string>>;
  /** Whether the field is one of these JSON texts. */
  readonly isJson: (field: string, texts: ReadonlyArray<"null" | "[]">) => string;
  readonly textOf: (field: string) => string;
  readonly numberOf: (field: string) => string;
  /** `true` or `false`, as text. */
  readonly booleanOf: (field: string) => string;
  /** The values of a list, as a table `e`; of all of the field, or of a part of it. */
  readonly each: (field: string, part?: Part) => string;
  /** Whether the field is an object whose two parts are lists. */
  readonly isInParts: (field: string) => string;
  readonly isTextEach: string;
  readonly textOfEach: string;
  /** Of ASCII letters alone. */
  readonly lower: (text: string) => string;
  readonly holds: (text: string, piece: string) => string;
  readonly matches: (text: string, pattern: string) => string;
}

type Parameter = (value: string) => number;

/** The two lists of a `PartList`. */
type Part = "known" | "unknown";

const sqlite = (parameter: Parameter): Speech => {
  const text = (value: string): string => `?${parameter(value)}`;
  // Names have no quotes: the letters of a field's name are few.
  const path = (field: string, part?: Part): string =>
    text(`$.${JSON.stringify(field)}${part === undefined ? "" : `.${part}`}`);
  const isList = (field: string, part: Part): string =>
    `json_type(fields, ${path(field, part)}) IS 'array'`;
  return {
    text,
    number: (value) => `CAST(${text(String(value))} AS NUMERIC)`,
    kind: (field) => `json_type(fields, ${path(field)})`,
    kinds: {
      text: "'text'",
      number: "'integer', 'real'",
      boolean: "'true', 'false'",
      list: "'array'",
    },
    isJson: (field, texts) =>
      `(fields -> ${path(field)}) IN (${texts.map((one) => `'${one}'`).join(", ")})`,
    textOf: (field) => `json_extract(fields, ${path(field)})`,
    numberOf: (field) => `json_extract(fields, ${path(field)})`,
    booleanOf: (field) => `json_type(fields, ${path(field)})`,
    each: (field, part) => `json_each(fields, ${path(field, part)}) AS e`,
    isInParts: (field) => `(${isList(field, "known")} AND ${isList(field, "unknown")})`,
    isTextEach: "e.type = 'text'",
    textOfEach: "e.value",
    lower: (value) => `lower(${value})`,
    holds: (value, piece) => `instr(${value}, ${text(piece)}) > 0`,
    // LIKE would take A for a. A bracket opens a set of characters, unless it stands in one.
    matches: (value, pattern) => `${value} GLOB ${text(pattern.replaceAll("[", "[[]"))}`,
  };
};

const postgres = (parameter: Parameter): Speech => {
  const text = (value: string): string => `CAST($${parameter(value)} AS text)`;
  const json = (field: string): string => `(fields -> ${text(field)})`;
  const textOf = (field: string): string => `(fields ->> ${text(field)})`;
  const listOf = (field: string, part?: Part): string =>
    part === undefined ? json(field) : `(${json(field)} -> '${part}')`;
  const isList = (field: string, part: Part): string =>
    `jsonb_typeof${listOf(field, part)} IS NOT DISTINCT FROM 'array'`;
  return {
    text,
    number: (value) => `CAST(${text(String(value))} AS numeric)`,
    kind: (field) => `jsonb_typeof${json(field)}`,
    kinds: { text: "'string'", number: "'number'", boolean: "'boolean'", list: "'array'" },
    isJson: (field, texts) =>
      `${json(field)} IN (${texts.map((one) => `CAST('${one}' AS jsonb)`).join(", ")})`,
    textOf,
    numberOf: (field) => `CAST(${textOf(field)} AS numeric)`,
    booleanOf: textOf,
    each: (field, part) => `jsonb_array_elements${listOf(field, part)} AS e(value)`,
    isInParts: (field) => `(${isList(field, "known")} AND ${isList(field, "unknown")})`,
    isTextEach: "jsonb_typeof(e.value) = 'string'",
    textOfEach: "(e.value #>> '{}')",
    lower: (value) => `lower(${value} COLLATE "C")`,
    holds: (value, piece) => `strpos(${value}, ${text(piece)}) > 0`,
    matches: (value, pattern) => `${value} LIKE ${text(likePattern(pattern))} ESCAPE '!'`,
  };
};

const likePattern = (pattern: string): string =>
  pattern.replace(/[!%_]/gu, "!$&").replaceAll("*", "%").replaceAll("?", "_");

const dialects: Readonly<Record<Dialect, (parameter: Parameter) => Speech>> = { sqlite, postgres };

const conditionSql = (condition: Condition, speech: Speech, now: number): string => {
  if (condition.type === "term") return termSql(condition, speech, now);
  if (condition.type === "not") return `(NOT ${conditionSql(condition.part, speech, now)})`;
  const parts = condition.parts.map((part) => conditionSql(part, speech, now));
  return joined(parts, condition.type === "and" ? " AND " : " OR ");
};

/** Halves of halves: databases limit how deep an expression is, and a row of ANDs is as deep as long. */
const joined = (parts: ReadonlyArray<string>, between: string): string => {
  if (parts.length === 1) return parts[0]!;
  const middle = parts.length >> 1;
  const halves = [parts.slice(0, middle), parts.slice(middle)];
  return `(${halves.map((half) => joined(half, between)).join(between)})`;
};

const termSql = ({ field, fieldType, test }: Term, speech: Speech, now: number): string => {
  const observed = { field, fieldType, speech };
  switch (test.type) {
    case "null":
      return cellSql(
        observed,
        answersOf(observed, { none: "TRUE", some: "FALSE", unknown: "NULL" }),
      );
    case "value":
      return cellSql(
        observed,
        answersOf(observed, { none: "FALSE", some: "TRUE", unknown: "NULL" }),
      );
    case "unknown":
      return cellSql(
        observed,
        answersOf(observed, { none: "FALSE", some: "FALSE", unknown: "TRUE" }),
      );
    default: {
      const asked = atMoment(test, now);
      return cellSql(observed, {
        none: "FALSE",
        some: valueSql(observed, asked),
        inParts: () => partsSql(observed, asked),
        unknown: "NULL",
      });
    }
  }
};

interface Observed {
  readonly field: string;
  readonly fieldType: FieldType;
  readonly speech: Speech;
}

/** What is answered when a field has no value, some, a list that is known in part, or is unknown. */
interface Answers {
  readonly none: string;
  readonly some: string;
  /** Asked for a list alone: what it takes as parameters no other condition needs. */
  readonly inParts: () => string;
  readonly unknown: string;
}

/** Of a list that is known in part: some where any is known, none where there can be none. */
const answersOf = ({ field, speech }: Observed, answers: Omit<Answers, "inParts">): Answers => {
  const any = (part: Part): string => `EXISTS (SELECT 1 FROM ${speech.each(field, part)})`;
  const inParts = (): string =>
    [
      `CASE WHEN ${any("known")} THEN ${answers.some}`,
      `WHEN ${any("unknown")} THEN ${answers.unknown} ELSE ${answers.none} END`,
    ].join(" ");
  return { ...answers, inParts };
};

/** A value of another type is unknown. A CASE looks at values only once their type is known. */
const cellSql = ({ field, fieldType, speech }: Observed, answers: Answers): string => {
  const list = isList(fieldType);
  const kinds = speech.kinds[list ? "list" : kindOf(fieldType)];
  const strange = (part?: Part): string =>
    `EXISTS (SELECT 1 FROM ${speech.each(field, part)} WHERE NOT ${speech.isTextEach})`;
  const unless = (isStrange: string, answer: string): string =>
    `CASE WHEN ${isStrange} THEN ${answers.unknown} ELSE ${answer} END`;
  return [
    `CASE WHEN ${speech.isJson(field, list ? ["null", "[]"] : ["null"])} THEN ${answers.none}`,
    `WHEN ${speech.kind(field)} IN (${kinds})`,
    `THEN ${list ? unless(strange(), answers.some) : answers.some}`,
    ...(list
      ? [
          `WHEN ${speech.isInParts(field)}`,
          `THEN ${unless(`${strange("known")} OR ${strange("unknown")}`, answers.inParts())}`,
        ]
      : []),
    `ELSE ${answers.unknown} END`,
  ].join(" ");
};

const isList = (fieldType: FieldType): boolean => fieldType === "list" || fieldType === "enum-list";

const isFolded = (fieldType: FieldType): boolean =>
  fieldType === "enum" || fieldType === "enum-list";

const kindOf = (fieldType: FieldType): "text" | "number" | "boolean" => {
  if (fieldType === "time") return "number";
  return fieldType === "number" || fieldType === "boolean" ? fieldType : "text";
};

/** Whether one of the values of a list, or of a part of it, passes the test. */
const eachSql = ({ field, fieldType, speech }: Observed, test: Test, part?: Part): string => {
  const { textOfEach } = speech;
  const holds = scalarSql(
    speech,
    test,
    isFolded(fieldType) ? speech.lower(textOfEach) : textOfEach,
  );
  return `EXISTS (SELECT 1 FROM ${speech.each(field, part)} WHERE ${holds})`;
};

const partsSql = (observed: Observed, test: Test): string =>
  [
    `CASE WHEN ${eachSql(observed, test, "known")} THEN TRUE`,
    `WHEN ${eachSql(observed, test, "unknown")} THEN NULL ELSE FALSE END`,
  ].join(" ");

const valueSql = (observed: Observed, test: Test): string => {
  const { field, fieldType, speech } = observed;
  const fold = isFolded(fieldType) ? speech.lower : (text: string): string => text;
  if (isList(fieldType)) return eachSql(observed, test);
  const kind = kindOf(fieldType);
  if (kind === "number") return scalarSql(speech, test, speech.numberOf(field));
  if (kind === "boolean") return scalarSql(speech, test, speech.booleanOf(field));
  return scalarSql(speech, test, fold(speech.textOf(field)));
};

const scalarSql = (speech: Speech, test: Test, value: string): string => {
  switch (test.type) {
    case "among":
      return amongSql(speech, test.operands, value);
    case "contains":
      return speech.holds(value, test.text);
    case "compare":
      return `${value} ${test.comparison} ${speech.number(test.bound.value)}`;
    case "range":
      return `${value} BETWEEN ${speech.number(test.from.value)} AND ${speech.number(test.to.value)}`;
    default:
      return "TRUE";
  }
};

const amongSql = (speech: Speech, operands: ReadonlyArray<Operand>, value: string): string => {
  const exact = operands.flatMap((one) => (one.type === "exact" ? [one.value] : []));
  const patterns = operands.flatMap((one) => (one.type === "glob" ? [one.pattern] : []));
  const literals = exact.map((one) =>
    typeof one === "number" ? speech.number(one) : speech.text(String(one)),
  );
  return joined(
    [
      ...(literals.length === 0 ? [] : [`${value} IN (${literals.join(", ")})`]),
      ...patterns.map((pattern) => speech.matches(value, pattern)),
    ],
    " OR ",
  );
};
