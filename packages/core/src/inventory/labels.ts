// Decides what a person's word does to the labels of a host: each can be named in a query, as `label.KEY`.

import { hostFields } from "../query/host-fields.ts";
import { fieldOf } from "../query/vocabulary.ts";
import { escapeText, quote } from "../words/quote.ts";

/** What becomes of labels: the value of each from now on, or nothing where it goes. */
export type LabelChanges = ReadonlyMap<string, string | null>;

export type ReadLabels =
  | { readonly changes: LabelChanges }
  | { readonly fault: string; readonly hint: string };

/** The longest value, in UTF-16 code units. */
export const longestLabel = 256;

/** `KEY=VALUE` sets, `KEY-` removes; the first word that cannot be so is told. */
export const readLabels = (words: ReadonlyArray<string>): ReadLabels => {
  const changes = new Map<string, string | null>();
  for (const word of words) {
    const read = readLabel(word);
    if ("fault" in read) return read;
    if (changes.has(read.key)) {
      return {
        fault: `the label ${quote(read.key)} is given twice`,
        hint: "say once what becomes of it",
      };
    }
    changes.set(read.key, read.value);
  }
  return { changes };
};

const readLabel = (
  word: string,
):
  | { readonly key: string; readonly value: string | null }
  | { readonly fault: string; readonly hint: string } => {
  const at = word.indexOf("=");
  if (at === -1 && !word.endsWith("-")) {
    return {
      fault: `${quote(word)} is no label`,
      hint: "KEY=VALUE sets a label, KEY- removes it",
    };
  }
  const key = at === -1 ? word.slice(0, -1) : word.slice(0, at);
  const value = at === -1 ? null : word.slice(at + 1);
  if (fieldOf(`label.${key}`, hostFields) === undefined) {
    return {
      fault: `a label cannot be called ${quote(key)}`,
      hint: "use 1 to 128 letters, digits, dots, dashes and underscores, such as rack or net.vlan",
    };
  }
  if (
    value !== null &&
    (value.length > longestLabel || escapeText(value, value.length) !== value)
  ) {
    return {
      fault: `the label ${quote(key)} cannot have that value`,
      hint: `use at most ${longestLabel} characters that show, in one line`,
    };
  }
  return { key, value };
};

/** The labels after these changes, by name. */
export const changedLabels = (
  labels: Readonly<Record<string, string>>,
  changes: LabelChanges,
): Readonly<Record<string, string>> => {
  const kept = Object.entries(labels).filter(([key]) => !changes.has(key));
  const set = Array.from(changes).filter((one): one is [string, string] => one[1] !== null);
  return Object.fromEntries([...kept, ...set]);
};
