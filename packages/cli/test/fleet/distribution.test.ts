// Checks how a total spreads over groups: whole, in proportion, and the same each time.

import * as Schema from "effect/Schema";
import { describe, expect, it } from "@effect/vitest";
import { distribute } from "../../src/fleet/distribution.ts";

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 200 }));
const Case = Schema.Struct({
  total: Count,
  counts: Schema.Array(Count).check(Schema.isMinLength(1), Schema.isMaxLength(6)),
});

const named = (counts: ReadonlyArray<number>) =>
  counts.map((count, index) => ({ group: `g${index}`, count }));

const countsOf = (total: number, counts: ReadonlyArray<number>) =>
  distribute(total, named(counts)).groups.map(({ count }) => count);

describe("a total over groups", () => {
  it.prop(
    "is spread whole, and no group is further than one from its share",
    { one: Case },
    ({ one }) => {
      const { total, counts } = one;
      const spread = countsOf(total, counts);
      expect(spread.reduce((sum, count) => sum + count, 0)).toBe(total);
      const sum = counts.reduce((all, count) => all + count, 0);
      if (sum === 0) return;
      spread.forEach((count, index) => {
        expect(Math.abs(count - (total * counts[index]!) / sum)).toBeLessThan(1);
        if (counts[index] === 0) expect(count).toBe(0);
      });
    },
  );

  it.each([
    ["the largest remainder gets what is left", 5, [2, 1], [3, 2]],
    ["of equal remainders the first group does", 4, [1, 1, 1], [2, 1, 1]],
    ["what the document asks stays as it is", 7, [4, 0, 3], [4, 0, 3]],
    ["none for nobody", 0, [4, 3], [0, 0]],
    ["all counts 0: the first group gets all", 3, [0, 0], [3, 0]],
  ] as const)("%s", (_what, total, counts, expected) => {
    expect(countsOf(total, counts)).toEqual(expected);
  });

  it("says how, where there was something to choose", () => {
    expect(distribute(5, named([2, 1])).how).toBe(
      "5 over 2 groups in proportion to what the document asks (g0 2, g1 1), largest remainders first: g0 3, g1 2",
    );
    expect(distribute(3, named([0, 0])).how).toBe(
      "the document asks for none in any group, so all 3 go to the first, g0",
    );
    expect(distribute(3, named([2])).how).toBeNull();
    expect(distribute(3, named([2, 1])).how).toBeNull();
  });
});
