// Holds the table of docs/reference/fleetctl.md to the tests that it names.

import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(path.join(root, "docs/reference/fleetctl.md"), "utf8");

/** The rows of the table whose second column names a file. */
const rowsOf = (text: string) =>
  [...text.matchAll(/^\| (.+?) \| `([^`]+\.test\.ts)` \| (.+?) \|$/gmu)].map(
    ([, line, file, test]) => ({ line: line!, file: file!, test: test! }),
  );

/** Those that no test holds. */
const unheld = (text: string) =>
  rowsOf(text).filter(({ file, test }) => {
    const at = path.join(root, file);
    return !existsSync(at) || !readFileSync(at, "utf8").includes(test);
  });

describe("the specification of fleetctl, line by line", () => {
  it("names tests that are there", () => {
    expect(rowsOf(page).length).toBeGreaterThan(30);
    expect(unheld(page)).toEqual([]);
  });

  it("is not held by a test that is not there", () => {
    const [row] = rowsOf(page);
    const planted = page.replace(row!.test, "a test that nobody wrote");
    expect(unheld(planted).map(({ line }) => line)).toEqual([row!.line]);
  });
});
