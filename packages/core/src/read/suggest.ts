// Decides which known word somebody probably meant.

import { compareText } from "../words/diagnostic.ts";
import { quote } from "../words/quote.ts";

const longestWord = 64;

/** The nearest known word, when it is near enough to be a slip: a third of its length, at most 3. */
export const nearest = (word: string, known: ReadonlyArray<string>): string | undefined => {
  if (word.length > longestWord) return undefined;
  let best: { readonly word: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance > tolerance(word, candidate)) continue;
    if (best === undefined || distance < best.distance) best = { word: candidate, distance };
  }
  return best?.word;
};

const tolerance = (word: string, candidate: string): number =>
  Math.min(3, Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3)));

/** `did you mean "x"?`, or else the words there are, or nothing when they are too many. */
export const suggestion = (
  word: string,
  known: ReadonlyArray<string>,
  listed: string,
): string | undefined => {
  const near = nearest(word, known);
  if (near !== undefined) return `did you mean ${quote(near)}?`;
  if (known.length === 0 || known.length > 16) return undefined;
  return `${listed}: ${known.toSorted(compareText).join(", ")}`;
};

/** Edits (insert, delete, replace, swap neighbours) from one word to another. */
export const editDistance = (a: string, b: string): number => {
  let before: Array<number> = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let least = Math.min(
        last[column]! + 1,
        next[column - 1]! + 1,
        last[column - 1]! + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, before[column - 2]! + 1);
      }
      next.push(least);
    }
    before = last;
    last = next;
  }
  return last[b.length]!;
};
