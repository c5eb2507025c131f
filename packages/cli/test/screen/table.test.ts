// Checks that tables and broken lines fit the screen.

import { describe, expect, it } from "@effect/vitest";
import { viewAgo, viewLength, viewTime } from "../../src/screen/moment.ts";
import { viewTable, wrap } from "../../src/screen/table.ts";

const rows = [
  ["FLEET", "STATE"],
  ["FleetConfig/a-very-long-name-of-a-fleet", "Ready"],
];

describe("a table", () => {
  it("keeps its columns apart, and cuts nothing where no width is known", () => {
    expect(viewTable(rows, null)).toEqual([
      `FLEET${" ".repeat(36)}STATE`,
      "FleetConfig/a-very-long-name-of-a-fleet  Ready",
    ]);
  });

  it("fits the width by cutting what is widest, never below eight characters", () => {
    expect(viewTable(rows, 30)).toEqual([
      `FLEET${" ".repeat(20)}STATE`,
      "…y-long-name-of-a-fleet  Ready",
    ]);
    expect(Math.max(...viewTable(rows, 30).map((line) => line.length))).toBe(30);
    expect(viewTable(rows, 3)[1]).toBe("…a-fleet  Ready");
  });

  it("keeps its rows apart: the first column is cut last, and at its front", () => {
    const narrow = [
      ["FLEET", "STATE", "COMMIT"],
      ["FleetConfig/web", "ChangesWaiting", "2b4b7f004441"],
      ["FleetConfig/api", "Ready", "2b4b7f004441"],
    ];
    expect(viewTable(narrow, 35)).toEqual([
      "FLEET            STATE     COMMIT",
      "FleetConfig/web  Changes…  2b4b7f0…",
      "FleetConfig/api  Ready     2b4b7f0…",
    ]);
    expect(viewTable(narrow, 30).slice(1)).toEqual([
      "…onfig/web  Changes…  2b4b7f0…",
      "…onfig/api  Ready     2b4b7f0…",
    ]);
  });

  it("breaks lines at spaces, and never inside of a word", () => {
    expect(wrap("one two three four", 10, "  ")).toEqual(["  one two", "  three", "  four"]);
    expect(wrap("sha256:0123456789 x", 8, "  ")).toEqual(["  sha256:0123456789", "  x"]);
    expect(wrap("one two", null, "  ")).toEqual(["  one two"]);
  });
});

describe("a moment", () => {
  it("is told in its largest whole unit, before or after now", () => {
    expect([0, 59_999, 60_000, 7_200_000, 90_000_000, -5].map(viewLength)).toEqual([
      ...["0 s", "59 s", "1 min", "2 h", "1 d", "0 s"],
    ]);
    expect(viewAgo("1970-01-01T00:00:00Z", 180_000)).toBe("3 min ago");
    expect(viewAgo(180_000, 0)).toBe("in 3 min");
    expect(viewAgo("soon", 0)).toBe("");
    expect(viewTime("soon")).toBe("an unknown time");
    expect(viewTime(1e300)).toBe("+275760-09-13T00:00:00Z");
  });
});
