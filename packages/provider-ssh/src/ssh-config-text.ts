// Reads the text of an OpenSSH configuration: one word and its arguments for each line.

import { quote } from "@muster/core/words/quote";

/** One line that says something. */
export interface ConfigLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** In lower case. */
  readonly word: string;
  /** Nothing when they cannot be read, as with a quote that does not end. */
  readonly args: ReadonlyArray<string> | null;
  /** What stands after the word, as some words want it: their arguments are not split. */
  readonly rest: string;
  /** The lines of the files that an `Include` names, in their order; empty for all other words. */
  readonly included: ReadonlyArray<ConfigLine>;
}

/** A line for each line that says something; what cannot be read is kept as such. */
export const readConfigText = (file: string, text: string): ReadonlyArray<ConfigLine> =>
  text.split("\n").flatMap((raw, index) => {
    const line = raw.replace(/[\s\0]+$/, "").replace(/^\s+/, "");
    if (line === "" || line.startsWith("#")) return [];
    const [, word = "", rest = ""] = /^"?([^\s="]+)"?\s*(?:=\s*)?(.*)$/.exec(line) ?? [];
    const read = { file, line: index + 1, word: word.toLowerCase(), rest, included: [] };
    return [{ ...read, args: splitArguments(rest) }];
  });

/**
 * Splits as OpenSSH does: quotes of both kinds hold words together, a backslash takes the meaning
 * from a quote, a backslash or a space, and `#` at the beginning of a word ends the line.
 */
export const splitArguments = (text: string): ReadonlyArray<string> | null => {
  const words: Array<string> = [];
  let word: string | null = null;
  let open: string | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    const next = text.charAt(at + 1);
    if (character === "\\" && isEscapable(next, open)) {
      word = (word ?? "") + next;
      at += 1;
    } else if (open !== null) {
      if (character === open) open = null;
      else word = (word ?? "") + character;
    } else if (character === " " || character === "\t") {
      if (word !== null) words.push(word);
      word = null;
    } else if (character === '"' || character === "'") {
      open = character;
      word ??= "";
    } else if (character === "#" && word === null) {
      break;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (open !== null) return null;
  return word === null ? words : [...words, word];
};

const isEscapable = (character: string, open: string | null): boolean =>
  character === "\\" ||
  character === '"' ||
  character === "'" ||
  (character === " " && open === null);

/** A line as a person may look for it. */
export const shownLine = ({ word, rest }: ConfigLine): string => quote(`${word} ${rest}`.trim());
