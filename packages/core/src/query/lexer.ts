// Cuts a query into words, quoted texts, operators and marks, each with its place.

import { escapeText, quote } from "../words/quote.ts";
import type { Blame } from "./fault.ts";

export interface Token {
  readonly type: "word" | "quoted" | "operator" | "mark" | "end";
  /** A quoted text as it is meant, everything else as it stands. */
  readonly text: string;
  readonly offset: number;
  /** The offset behind it. */
  readonly end: number;
}

/**
 * What is being read decides what a word is: in a value it may hold what is an operator elsewhere
 * (times and addresses have colons), and what is sorted by is names between colons.
 */
type Mode = "term" | "value" | "list" | "range" | "sort";

interface Reading {
  readonly text: string;
  readonly tokens: Array<Token>;
  readonly blame: Blame;
  mode: Mode;
  offset: number;
}

/** The tokens of a query, the last one its `end`; whatever cannot be one is blamed and left out. */
export const readTokens = (text: string, blame: Blame): ReadonlyArray<Token> => {
  const reading: Reading = { text, tokens: [], blame, mode: "term", offset: 0 };
  while (skipBlanks(reading)) readToken(reading);
  reading.tokens.push({ type: "end", text: "", offset: text.length, end: text.length });
  return reading.tokens;
};

const blank = /\s/u;

/** False at the end. A blank behind a colon ends the value that should have stood there. */
const skipBlanks = (reading: Reading): boolean => {
  const { text, tokens } = reading;
  const start = reading.offset;
  while (reading.offset < text.length && blank.test(text[reading.offset]!)) reading.offset += 1;
  const skipped = reading.offset > start;
  if (skipped && reading.mode === "value" && tokens.at(-1)?.text === ":") reading.mode = "term";
  return reading.offset < text.length;
};

const readToken = (reading: Reading): void => {
  const first = reading.text[reading.offset]!;
  if (first === '"') readQuoted(reading);
  else if ("()[],|".includes(first)) readMark(reading, first);
  else if (first === "-" && reading.mode === "term") add(reading, "mark", "-");
  else if (":=!~<>".includes(first)) readOperator(reading);
  else readWord(reading);
};

const add = (reading: Reading, type: Token["type"], text: string): void => {
  const { offset } = reading;
  reading.offset = offset + text.length;
  reading.tokens.push({ type, text, offset, end: reading.offset });
};

const readMark = (reading: Reading, mark: string): void => {
  const { mode } = reading;
  add(reading, "mark", mark);
  if (mode === "sort") return;
  if (mode === "list" || mode === "range") {
    if (mark === (mode === "list" ? ")" : "]")) reading.mode = "term";
    return;
  }
  reading.mode = "term";
  if (mode === "value" && mark === "(") reading.mode = "list";
  if (mode === "value" && mark === "[") reading.mode = "range";
};

const operatorPattern = /[<>]=?|![=~]|[:=~]/uy;

const readOperator = (reading: Reading): void => {
  const { text, tokens, offset, mode } = reading;
  operatorPattern.lastIndex = offset;
  const operator = operatorPattern.exec(text)?.[0];
  if (operator === undefined) {
    reading.blame(offset, '"!" is no operator', "operators are : = != ~ !~ > >= < <=");
    reading.offset = offset + 1;
    return;
  }
  const before = tokens.at(-1);
  const sorts = operator === ":" && before?.type === "word" && before.text === "sort";
  add(reading, "operator", operator);
  if (mode === "term") reading.mode = sorts ? "sort" : "value";
};

const nameEnd = /[\s()[\],|":=!~<>]/gu;
const valueEnd = /[\s()[\],|"]/gu;

const readWord = (reading: Reading): void => {
  const { text, offset, mode } = reading;
  const end = mode === "term" || mode === "sort" ? nameEnd : valueEnd;
  end.lastIndex = offset;
  const word = text.slice(offset, end.exec(text)?.index ?? text.length);
  // Such a word could not be shown as it is.
  if (escapeText(word, word.length) !== word) {
    reading.blame(offset, `${quote(word)} has characters that do not show`, "put it in quotes");
  }
  add(reading, "word", word);
  endValue(reading);
};

const endValue = (reading: Reading): void => {
  if (reading.mode === "value") reading.mode = "term";
};

const readQuoted = (reading: Reading): void => {
  const { text, offset } = reading;
  let meant = "";
  let at = offset + 1;
  while (at < text.length && text[at] !== '"') {
    const [piece, length] = text[at] === "\\" ? readEscape(reading, at) : [text[at]!, 1];
    meant += piece;
    at += length;
  }
  if (at >= text.length) reading.blame(offset, "the quote is not closed", 'add a " at its end');
  const end = Math.min(at + 1, text.length);
  // No database keeps such a text, so no row has it.
  if (!meant.isWellFormed() || meant.includes("\0")) {
    reading.blame(offset, "the text has a character that no text can have");
  }
  reading.offset = end;
  reading.tokens.push({ type: "quoted", text: meant, offset, end });
  endValue(reading);
};

const escapePattern = /\\(?:(["\\])|u\{([0-9a-fA-F]{1,6})\})/uy;

const readEscape = (reading: Reading, at: number): readonly [piece: string, length: number] => {
  escapePattern.lastIndex = at;
  const match = escapePattern.exec(reading.text);
  const code = Number.parseInt(match?.[2] ?? "0", 16);
  if (match === null || code > 0x10_ffff) {
    reading.blame(
      at,
      "a backslash stands before nothing that it marks",
      'write \\\\, \\" or \\u{..}',
    );
    return ["", 1];
  }
  return [match[1] ?? String.fromCodePoint(code), match[0].length];
};
