// Parses strict JSON into the same nodes as YAML, and says what JSON does not allow, where.

import { Pair, Scalar, YAMLMap, YAMLSeq, isSeq } from "yaml";
import { quote } from "../words/quote.ts";
import type { TextFault } from "./fault.ts";
import type { ReadLimits } from "./limits.ts";
import type { ParsedFile, ValueNode } from "./nodes.ts";
import { tooDeep, tooManyDocuments } from "./yaml.ts";

/** A reader's position, what it found wrong, and whether it can go on. */
interface Cursor {
  readonly text: string;
  readonly limits: ReadLimits;
  readonly faults: Array<TextFault>;
  offset: number;
  lost: boolean;
}

/**
 * The documents of a JSON file: one object, or each element of an array. Comments, stray and
 * missing commas and foreign words are reported and stepped over; other faults end the reading.
 */
export const parseJson = (text: string, limits: ReadLimits): ParsedFile => {
  const cursor: Cursor = { text, limits, faults: [], offset: 0, lost: false };
  skipSpace(cursor);
  if (cursor.offset === text.length) return { documents: [], faults: cursor.faults };
  const root = readValue(cursor, 0);
  skipSpace(cursor);
  if (!cursor.lost && cursor.offset < text.length) {
    lose(cursor, "text after the end of the document", "several documents go in one array");
  }
  if (cursor.faults.length > 0) return { documents: [], faults: cursor.faults };
  const roots: ReadonlyArray<ValueNode> = isSeq(root) ? (root.items as Array<ValueNode>) : [root];
  const kept = roots.slice(0, limits.documentsPerFile);
  return {
    documents: kept.map((one) => ({ root: one, faults: [] })),
    faults: kept.length < roots.length ? [tooManyDocuments(limits)] : [],
  };
};

const readValue = (cursor: Cursor, depth: number): ValueNode => {
  switch (cursor.text[cursor.offset]) {
    case "{":
      return readCollection(cursor, depth, new YAMLMap(), "}", readPair);
    case "[":
      return readCollection(cursor, depth, new YAMLSeq(), "]", readElement);
    case '"':
      return readText(cursor);
    default:
      return readWord(cursor);
  }
};

const readCollection = <C extends YAMLMap | YAMLSeq>(
  cursor: Cursor,
  depth: number,
  collection: C,
  close: string,
  readItem: (cursor: Cursor, depth: number, into: C) => void,
): C => {
  const start = cursor.offset;
  // The array around several documents is no level of any of them.
  if (depth > cursor.limits.depth) {
    cursor.faults.push(tooDeep(start, cursor.limits));
    cursor.lost = true;
    return collection;
  }
  cursor.offset += 1;
  skipSpace(cursor);
  while (!cursor.lost && cursor.text[cursor.offset] !== close) {
    readItem(cursor, depth + 1, collection);
    if (!cursor.lost) readSeparator(cursor, close, start);
  }
  cursor.offset += 1;
  collection.range = [start, cursor.offset, cursor.offset];
  return collection;
};

const readElement = (cursor: Cursor, depth: number, into: YAMLSeq): void => {
  into.items.push(readValue(cursor, depth));
};

const readPair = (cursor: Cursor, depth: number, into: YAMLMap): void => {
  if (cursor.text[cursor.offset] !== '"') {
    return lose(cursor, "a field's name must stand in double quotes");
  }
  const key = readText(cursor);
  skipSpace(cursor);
  if (cursor.lost) return;
  if (cursor.text[cursor.offset] !== ":") {
    return lose(cursor, `a colon must follow the field's name ${quote(String(key.value))}`);
  }
  cursor.offset += 1;
  skipSpace(cursor);
  into.items.push(new Pair(key, readValue(cursor, depth)));
};

const readSeparator = (cursor: Cursor, close: string, start: number): void => {
  skipSpace(cursor);
  const next = cursor.text[cursor.offset];
  if (next === close) return;
  if (next === ",") {
    const comma = cursor.offset;
    cursor.offset += 1;
    skipSpace(cursor);
    if (cursor.text[cursor.offset] === close) {
      note(cursor, comma, `a comma before ${quote(close)}`, "JSON allows no trailing comma");
    }
    return;
  }
  if (next === undefined) {
    cursor.offset = start;
    return lose(cursor, `${quote(cursor.text[start]!)} is never closed`, `add ${quote(close)}`);
  }
  if (next === "}" || next === "]") return lose(cursor, `${quote(close)} expected here`);
  note(cursor, cursor.offset, "a comma is missing here", `put "," before it`);
};

const readText = (cursor: Cursor): Scalar => {
  const start = cursor.offset;
  const end = closingQuote(cursor.text, start);
  if (end === -1) {
    lose(cursor, "the text is never closed", `add "\\"" at its end, on the same line`);
    return new Scalar("");
  }
  cursor.offset = end + 1;
  const source = cursor.text.slice(start, end + 1);
  return scalar(cursor, start, parsedText(cursor, start, source), source);
};

/** The offset of the quote that ends a text, or -1 when its line ends first. */
const closingQuote = (text: string, start: number): number => {
  for (let offset = start + 1; offset < text.length; offset++) {
    const character = text[offset];
    if (character === '"') return offset;
    if (character === "\n" || character === "\r") return -1;
    if (character === "\\") offset += 1;
  }
  return -1;
};

const parsedText = (cursor: Cursor, start: number, source: string): string => {
  try {
    return JSON.parse(source) as string;
  } catch {
    const hint = "write control characters as \\n, \\t or \\u0000, and a backslash as \\\\";
    note(cursor, start, "the text has an escape or a character that JSON does not allow", hint);
    return "";
  }
};

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/uy;
const wordPattern = /[^\s,:{}[\]"]+/uy;
const words: ReadonlyMap<string, null | boolean> = new Map([
  ["null", null],
  ["true", true],
  ["false", false],
]);

const readWord = (cursor: Cursor): ValueNode => {
  const start = cursor.offset;
  const word = match(wordPattern, cursor);
  if (word === "") {
    lose(
      cursor,
      start === cursor.text.length ? "a value is missing at the end" : "a value expected here",
    );
    return null;
  }
  cursor.offset += word.length;
  const known = words.get(word);
  if (known !== undefined) return scalar(cursor, start, known, word);
  cursor.offset = start;
  const isNumber = match(numberPattern, cursor) === word;
  cursor.offset = start + word.length;
  if (isNumber) return scalar(cursor, start, Number(word), word);
  note(cursor, start, `${quote(word)} is no JSON value`, wordHint(word));
  return scalar(cursor, start, null, word);
};

const wordHint = (word: string): string =>
  /^[-+.0-9]/u.test(word)
    ? "JSON numbers look like 12, -3, 0.5 or 1e6"
    : "put text in double quotes; the words of JSON are true, false and null";

const match = (pattern: RegExp, cursor: Cursor): string => {
  pattern.lastIndex = cursor.offset;
  return pattern.exec(cursor.text)?.[0] ?? "";
};

const scalar = (cursor: Cursor, start: number, value: unknown, source: string): Scalar => {
  const node = new Scalar(value);
  node.source = source;
  node.range = [start, cursor.offset, cursor.offset];
  return node;
};

const skipSpace = (cursor: Cursor): void => {
  const { text } = cursor;
  for (;;) {
    while (isSpace(text.charCodeAt(cursor.offset))) cursor.offset += 1;
    const end = commentEnd(text, cursor.offset);
    if (end === undefined) return;
    note(cursor, cursor.offset, "JSON has no comments", "remove it, or name the file .yaml");
    cursor.offset = end;
  }
};

const isSpace = (code: number): boolean =>
  code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

const commentEnd = (text: string, offset: number): number | undefined => {
  const block = text.startsWith("/*", offset);
  if (!block && !text.startsWith("//", offset) && text[offset] !== "#") return undefined;
  const end = text.indexOf(block ? "*/" : "\n", offset);
  return end === -1 ? text.length : end + (block ? 2 : 1);
};

const note = (cursor: Cursor, offset: number, summary: string, hint?: string): void => {
  cursor.faults.push({
    offset,
    severity: "error",
    summary,
    ...(hint === undefined ? {} : { hint }),
  });
};

/** Notes a fault after which nothing that follows can be trusted. */
const lose = (cursor: Cursor, summary: string, hint?: string): void => {
  if (!cursor.lost) note(cursor, cursor.offset, summary, hint);
  cursor.lost = true;
};
