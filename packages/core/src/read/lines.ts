// Turns offsets in a text into lines and columns.

import type { Place } from "../words/diagnostic.ts";

/** Offset to place: lines and columns from 1, columns in UTF-16 code units. */
export type PlaceOf = (offset: number) => Place;

/** Indexes the lines of a text once; each look-up is a binary search. */
export const indexLines = (file: string, text: string): PlaceOf => {
  const starts = lineStarts(text);
  return (offset) => {
    const line = lineAt(starts, offset);
    return { file, line: line + 1, column: offset - starts[line]! + 1 };
  };
};

/** The place of one offset. For many, `indexLines`. */
export const placeAt = (file: string, text: string, offset: number): Place =>
  indexLines(file, text)(offset);

const lineStarts = (text: string): ReadonlyArray<number> => {
  const starts = [0];
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", end + 1)) {
    starts.push(end + 1);
  }
  return starts;
};

const lineAt = (starts: ReadonlyArray<number>, offset: number): number => {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
};
