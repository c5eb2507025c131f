// Holds the table of docs/reference/fleetctl.md to the tests that it names.

import { describe, expect, it } from "vitest";
import { readPage, rowsOf, unheld } from "./named-tests.ts";

const page = readPage("docs/reference/fleetctl.md");

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
