// Decides how a diagnostic looks on a screen or in a log.

import type { Diagnostic, Place } from "../words/diagnostic.ts";
import { escapeText } from "../words/quote.ts";

/** `fleet.yaml:7:5: error: summary`, and the hint indented below. */
export const formatDiagnostic = (diagnostic: Diagnostic): string => {
  const { file, line, column, severity, summary, hint } = diagnostic;
  const told = `${escapeText(file, 400)}:${line}:${column}: ${severity}: ${escapeText(summary, 1000)}`;
  return hint === undefined ? told : `${told}\n  hint: ${escapeText(hint, 1000)}`;
};

const frameWidth = 100;

/**
 * The line of a place with a caret under its column. Long lines are cut around the column; every
 * character takes one cell, so wide ones may shift the caret.
 */
export const codeFrame = (text: string, place: Pick<Place, "line" | "column">): string => {
  const line = lineOf(text, place.line);
  const from = Math.max(0, place.column - 1 - frameWidth / 2);
  const before = shownPart(line.slice(from, place.column - 1));
  const after = shownPart(line.slice(place.column - 1, from + frameWidth));
  const number = String(place.line);
  const gutter = " ".repeat(number.length);
  return `${number} | ${before}${after}\n${gutter} | ${" ".repeat([...before].length)}^`;
};

const shownPart = (part: string): string => escapeText(part.replaceAll("\t", " "), frameWidth);

const lineOf = (text: string, line: number): string => {
  let start = 0;
  for (let skipped = 1; skipped < line; skipped++) {
    const end = text.indexOf("\n", start);
    if (end === -1) return "";
    start = end + 1;
  }
  const end = text.indexOf("\n", start);
  return text.slice(start, end === -1 ? undefined : end).replace(/\r$/u, "");
};
