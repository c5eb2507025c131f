// Draws queries from the whole grammar, and rows that are likely to meet them.

import { hostFields } from "@muster/core/query/host-fields";
import type { Row, RowValue } from "@muster/core/query/row";
import type { FieldType } from "@muster/core/query/tree";
import type { FieldSpec, Vocabulary } from "@muster/core/query/vocabulary";
import { quote } from "@muster/core/words/quote";

/** A number from 0 to below `sides`. */
export type Dice = (sides: number) => number;

/** Numbers that are the same for the same seed, on every machine. */
export const dice = (seed: number): Dice => {
  let state = seed >>> 0;
  return (sides) => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  };
};

/** When rows and queries are drawn for: milliseconds since 1970. */
export const sampleNow = Date.UTC(2026, 10, 25, 12);

/** At least one field of each type, few enough for rows to have something in most. */
export const sampleVocabulary: Vocabulary = {
  ...hostFields,
  fields: {
    role: { type: "text" },
    os: { type: "enum", values: ["linux", "macos", "windows"] },
    sshable: { type: "boolean" },
    disabled: { type: "boolean" },
    stage: { type: "number" },
    last_seen: { type: "time" },
    tags: { type: "list" },
    drift: hostFields.fields["drift"]!,
  },
};

export const oneOf = <A>(roll: Dice, items: ReadonlyArray<A>): A => items[roll(items.length)]!;

/** Whether it is so, once in so many times. */
export const once = (roll: Dice, times: number): boolean => roll(times) === 0;

// What is special somewhere: in patterns of SQL, in the language, in JSON, in numbers, in letters.
const texts = [
  ...[
    "a",
    "ab",
    "A",
    "b",
    "a b",
    "a%b",
    "a_b",
    "a\\b",
    "a'b",
    'a"b',
    "[a]",
    "a[b]c",
    "!a",
    "%",
    "_",
  ],
  ...[
    "null",
    "unknown",
    "NULL",
    "true",
    "24h",
    "5",
    "5.0",
    "05",
    "AND",
    "*",
    "?",
    "a*b",
    "a?b",
    "-",
  ],
  ...[
    "é",
    "e\u0301",
    "É",
    "ß",
    "İ",
    "😀",
    "a😀b",
    "a\nb",
    "\u001b[0m",
    "a,b",
    "(a)",
    "a|b",
    "$1",
    "?1",
  ],
];

/** What no database keeps. */
const oddTexts = ["a\0b", "\ud800"];

const bareWords = [
  ...["a", "ab", "A", "b", "a%b", "a_b", "a\\b", "a'b", "%", "_", "-", "24h", "5", "5.0", "05"],
  ...["true", "é", "É", "ß", "😀", "a😀b", "$1", "a:b", "a=b", "and", "sort"],
];

const globs = [
  ...["a*", "*a", "*b*", "?", "??", "a?b", "a*b", "*%*", "%*", "*_*", "_?*", "a**b", "é*", "?😀*"],
  ...["*\\*", "*'*", "A*", "*é", "*😀*", "a?", "*5*", "2*h", "-*", "*!*", "?*?*?"],
];

const numbers = [0, 1, 2, -1, 5, 0.1, 0.25, -0.5, 1.000001, 123_456_789.123_456];

/** Beyond what a query can name. */
const rowNumbers = [...numbers, -0, 1e21, 1e-7, 0.1 + 0.2, Number.MAX_SAFE_INTEGER];

const ages = ["0s", "60s", "1h", "90m", "24h", "1d", "1d12h", "2w"];

const hour = 3_600_000;

/** Milliseconds since 1970, as queries name them. */
export const sampleTimes = [
  0,
  1,
  60_000,
  hour,
  1.5 * hour,
  24 * hour,
  36 * hour,
  336 * hour,
  -hour,
].map((age) => sampleNow - age);

const ascending = (values: ReadonlyArray<number>): ReadonlyArray<number> =>
  values.toSorted((a, b) => a - b);

const timeBounds = ascending(sampleTimes).map((time) => new Date(time).toISOString());
const numberBounds = ascending(numbers).map(String);

/** A query that has no fault, as text, of the fields of this vocabulary. */
export const randomQuery = (roll: Dice, { fields }: Vocabulary = sampleVocabulary): string => {
  const where = once(roll, 40) ? "" : randomOr(roll, fields, 3);
  const sort = once(roll, 4) ? randomSort(roll, fields) : "";
  return [where, sort].filter((part) => part !== "").join(" ");
};

type Fields = Vocabulary["fields"];

const randomOr = (roll: Dice, fields: Fields, depth: number): string =>
  Array.from({ length: 1 + roll(2) }, () => randomAnd(roll, fields, depth)).join(" OR ");

const randomAnd = (roll: Dice, fields: Fields, depth: number): string =>
  Array.from({ length: 1 + roll(3) }, () => randomNot(roll, fields, depth)).join(
    once(roll, 2) ? " AND " : " ",
  );

const randomNot = (roll: Dice, fields: Fields, depth: number): string =>
  `${oneOf(roll, ["", "", "", "NOT ", "-", "- "])}${randomPrimary(roll, fields, depth)}`;

const randomPrimary = (roll: Dice, fields: Fields, depth: number): string =>
  depth > 0 && once(roll, 3) ? `(${randomOr(roll, fields, depth - 1)})` : randomTerm(roll, fields);

/** Labels that samples have. */
export const sampleLabels = ["rack", "a.b-c"];

const openFields = sampleLabels.map((label) => `label.${label}`);

const randomField = (roll: Dice, fields: Fields): readonly [name: string, spec: FieldSpec] =>
  once(roll, 8) ? [oneOf(roll, openFields), { type: "text" }] : oneOf(roll, Object.entries(fields));

const randomTerm = (roll: Dice, fields: Fields): string => {
  const [name, spec] = randomField(roll, fields);
  if (once(roll, 6)) return `${name}:${oneOf(roll, ["null", "*", "unknown", "**"])}`;
  const ordered = spec.type === "number" || spec.type === "time";
  if (ordered && !once(roll, 4)) return randomOrdered(roll, name, spec.type);
  const holds = spec.type !== "boolean" && !ordered;
  if (holds && once(roll, 4))
    return `${name}${oneOf(roll, ["~", " !~ "])}${randomPiece(roll, spec)}`;
  if (once(roll, 3)) return `${name}:${randomList(roll, spec)}`;
  return `${name}${oneOf(roll, [":", "=", " = ", "!="])}${randomScalar(roll, spec)}`;
};

const comparisons = [">", ">=", "<", "<="];

const randomOrdered = (roll: Dice, name: string, type: "number" | "time"): string => {
  const aged = type === "time" && once(roll, 2);
  const named = aged && once(roll, 2) ? `age(${name})` : name;
  const bounds = aged ? ages : type === "time" ? timeBounds : numberBounds;
  const low = roll(bounds.length);
  const high = low + roll(bounds.length - low);
  if (once(roll, 3)) return `${named}:[${bounds[low]} TO ${bounds[high]}]`;
  const operator = `${oneOf(roll, [":", ""])}${oneOf(roll, comparisons)}`;
  return `${named}${operator}${oneOf(roll, ["", " "])}${bounds[low]}`;
};

const randomList = (roll: Dice, spec: FieldSpec): string => {
  const scalars = Array.from({ length: 1 + roll(4) }, () => randomScalar(roll, spec));
  return `(${scalars.join(oneOf(roll, [",", ", ", " | ", " OR "]))})`;
};

const randomScalar = (roll: Dice, spec: FieldSpec): string => {
  switch (spec.type) {
    case "text":
    case "list":
      return randomText(roll);
    case "enum":
      return anyCase(roll, oneOf(roll, [...spec.values, "*o*"]));
    case "enum-list":
      return anyCase(roll, oneOf(roll, [...spec.values, "tc-*", spec.any ?? "*"]));
    case "boolean":
      return anyCase(roll, oneOf(roll, ["true", "false"]));
    case "number":
      return oneOf(roll, [...numberBounds, "-0", "007.50"]);
    case "time":
      return new Date(oneOf(roll, sampleTimes)).toISOString();
  }
};

/** A text as a row has it, which queries are likely to meet; what no database keeps is among them. */
export const sampleText = (roll: Dice): string =>
  oneOf(roll, [...texts, ...bareWords, "", ...oddTexts]);

const randomText = (roll: Dice): string => {
  if (once(roll, 3)) return oneOf(roll, globs);
  return once(roll, 2) ? oneOf(roll, bareWords) : quote(oneOf(roll, texts));
};

/** What a value may hold. */
const randomPiece = (roll: Dice, spec: FieldSpec): string => {
  if (spec.type === "enum") return oneOf(roll, ["o", "IN", "macos"]);
  if (spec.type === "enum-list") return oneOf(roll, ["tc", "e", "ROLE", '"-"']);
  return once(roll, 2) ? oneOf(roll, bareWords) : quote(oneOf(roll, texts));
};

const anyCase = (roll: Dice, word: string): string => (once(roll, 4) ? word.toUpperCase() : word);

const randomSort = (roll: Dice, fields: Fields): string => {
  const sortable = [
    ...Object.keys(fields).filter((name) => !fields[name]!.type.endsWith("list")),
    ...openFields,
  ];
  const keys = Array.from(
    { length: 1 + roll(3) },
    () => `${oneOf(roll, sortable)}${oneOf(roll, ["", ":asc", ":desc"])}`,
  );
  return `sort:${keys.join(oneOf(roll, [",", ", "]))}`;
};

/** A row in which each field may be unknown, without a value, or now and then of another type. */
export const randomRow = (roll: Dice): Row => {
  const row: Record<string, RowValue | null | undefined> = {};
  for (const [name, { type }] of Object.entries(sampleVocabulary.fields)) {
    row[name] = randomCell(roll, type);
  }
  for (const name of openFields) row[name] = randomCell(roll, "text");
  return row;
};

const randomCell = (roll: Dice, type: FieldType): RowValue | null | undefined => {
  if (once(roll, 5)) return undefined;
  if (once(roll, 5)) return null;
  const drawn = once(roll, 12) ? oneOf(roll, allTypes) : type;
  return randomValue(roll, drawn);
};

const allTypes: ReadonlyArray<FieldType> = ["text", "boolean", "number", "list"];

/** A list that is known in part, now and then: also one that is known as a whole. */
const inParts = (roll: Dice, draw: () => ReadonlyArray<string>): RowValue =>
  once(roll, 2) ? draw() : { known: draw(), unknown: draw() };

const randomValue = (roll: Dice, type: FieldType): RowValue => {
  switch (type) {
    case "text":
      return sampleText(roll);
    case "enum":
      return oneOf(roll, ["linux", "Linux", "MACOS", "windows", "plan9", "ſ"]);
    case "boolean":
      return once(roll, 2);
    case "number":
      return oneOf(roll, rowNumbers);
    case "time":
      return oneOf(roll, sampleTimes);
    case "list":
      return inParts(roll, () =>
        Array.from({ length: roll(4) }, () => oneOf(roll, [...texts, ...oddTexts])),
      );
    case "enum-list":
      return inParts(roll, () =>
        Array.from({ length: roll(3) }, () =>
          oneOf(roll, ["override", "Role", "tc-missing", "disabled-active", "other"]),
        ),
      );
  }
};
