// Finds the tests that a page's tables name, and those of them that are not there.

import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Row {
  /** All that stands before the file: a line of a specification, or a fault and what is done. */
  readonly line: string;
  readonly file: string;
  readonly test: string;
}

/** The text of a page, by its path from the root. */
export const readPage = (page: string): string => readFileSync(path.join(root, page), "utf8");

/** The rows whose last two columns are a test file and the name of a test. */
export const rowsOf = (text: string): ReadonlyArray<Row> =>
  [...text.matchAll(/^\| (.+?) \| `([^`]+\.test\.ts)` \| (.+?) \|$/gmu)].map(
    ([, line, file, test]) => ({ line: line!, file: file!, test: test! }),
  );

/** Those that no test holds. */
export const unheld = (text: string): ReadonlyArray<Row> =>
  rowsOf(text).filter(({ file, test }) => {
    const at = path.join(root, file);
    return !existsSync(at) || !readFileSync(at, "utf8").includes(test);
  });
