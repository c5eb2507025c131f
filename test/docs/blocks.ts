// Finds the code blocks of a page, with their place and what their first line says about them.

import { globSync, readFileSync } from "node:fs";
import * as path from "node:path";

export interface Page {
  /** From the root of the repository. */
  readonly file: string;
  readonly text: string;
}

export interface Block {
  readonly page: string;
  /** Where its text begins, from 1. */
  readonly line: number;
  /** The words behind the fence: the language, then what is done with it. */
  readonly words: ReadonlyArray<string>;
  readonly text: string;
}

export const place = ({ page, line }: Block): string => `${page}:${line}`;

/** Every page that people read. */
export const readPages = (root: string): ReadonlyArray<Page> =>
  globSync(["*.md", "{docs,examples,packages,bench}/**/*.md"], {
    cwd: root,
    exclude: (file) => file.includes("node_modules") || file.includes("dist"),
  })
    .sort()
    .map((file) => ({ file, text: readFileSync(path.join(root, file), "utf8") }));

interface Open {
  readonly fence: string;
  readonly indent: number;
  readonly words: ReadonlyArray<string>;
  readonly line: number;
  readonly lines: Array<string>;
}

/** Throws when a block does not end, or is made by indentation, where nothing says what it is. */
export const blocksOf = ({ file, text }: Page): ReadonlyArray<Block> => {
  const blocks: Array<Block> = [];
  let open: Open | null = null;
  let outline = "";
  let before = "";
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^( *)(`{3,})\s*(.*)$/u.exec(line);
    if (open !== null) {
      if (fence !== null && fence[2]!.length >= open.fence.length && fence[3] === "") {
        const { words, lines, line: begun } = open;
        blocks.push({ page: file, line: begun, words, text: `${lines.join("\n")}\n` });
        open = null;
      } else {
        open.lines.push(line.slice(Math.min(open.indent, line.search(/\S|$/u))));
      }
    } else if (fence !== null) {
      const [, indent, marks, info] = fence;
      const words = info!.trim() === "" ? [] : wordsOf(info!.trim());
      open = { fence: marks!, indent: indent!.length, words, line: index + 2, lines: [] };
    } else {
      if (/^ {4}\S/u.test(line) && before.trim() === "" && !/^\s*([-*]|\d+\.) /u.test(outline)) {
        throw new Error(`${file}:${index + 1}: a block by indentation: put it between fences`);
      }
      if (/^\S/u.test(line)) outline = line;
    }
    before = line;
  }
  if (open !== null) throw new Error(`${file}:${open.line}: the block does not end`);
  return blocks;
};

/** Words are apart by spaces; quotes hold them together. */
const wordsOf = (info: string): ReadonlyArray<string> =>
  [...info.matchAll(/(?:[^\s"]|"[^"]*")+/gu)].map(([word]) => word.replaceAll('"', ""));
