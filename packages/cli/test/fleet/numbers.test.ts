// Checks what a person's total does to the records: an override, its end, or nothing new.

import { describe, expect, it } from "@effect/vitest";
import type { OverrideRecord } from "@muster/core/words/record";
import type { Expansion } from "@muster/core/words/set";
import { afterwards, numbersOf, tellOverride } from "../../src/fleet/numbers.ts";

const document = { kind: "FleetConfig", name: "web" };
const expansionOf = (...counts: ReadonlyArray<number>): Expansion => ({
  document,
  resource: "r",
  scope: {},
  parallel: { create: 1, remove: 1 },
  sets: counts.map((count, index) => ({
    resource: "r",
    document,
    name: `g${index}`,
    count,
    template: {},
  })),
});

const now = Date.parse("2026-05-01T12:00:00Z");
const asked = (desired: number) => ({ desired, by: "ann@host", reason: null, forMillis: null });

describe("a total that the document does not ask for", () => {
  it("is an override with author, reason and an end after an hour, by group", () => {
    const { what, override, puts, deletes } = numbersOf(asked(6), expansionOf(2, 1), [], now);
    expect(what).toBe("override");
    expect(puts).toEqual([override]);
    expect(deletes).toEqual([]);
    expect(override).toMatchObject({
      by: "ann@host",
      reason: "scaled to 6 by hand",
      at: "2026-05-01T12:00:00.000Z",
      until: "2026-05-01T13:00:00.000Z",
      counts: [
        { set: "g0", count: 4, instead: 2 },
        { set: "g1", count: 2, instead: 1 },
      ],
    });
  });

  it("asked again stays as it is; with another end or reason it is written anew", () => {
    const expansion = expansionOf(2, 1);
    const first = numbersOf(asked(6), expansion, [], now).override!;
    const later = now + 600_000;
    const same = numbersOf(asked(6), expansion, [first], later);
    expect(same).toMatchObject({ what: "kept", puts: [], deletes: [] });
    expect(same.override).toEqual(first);
    const longer = numbersOf({ ...asked(6), forMillis: 7_200_000 }, expansion, [first], later);
    expect(longer.override!.until).toBe("2026-05-01T14:10:00.000Z");
    const why = numbersOf({ ...asked(6), reason: "sale" }, expansion, [first], later);
    expect(why.override!.reason).toBe("sale");
  });

  it("is written anew once its end is reached, or the document asks for another number", () => {
    const first = numbersOf(asked(6), expansionOf(2, 1), [], now).override!;
    expect(numbersOf(asked(6), expansionOf(2, 1), [first], now + 3_600_000).what).toBe("override");
    expect(numbersOf(asked(6), expansionOf(3, 1), [first], now + 1).what).toBe("override");
  });
});

describe("a total that the document asks for", () => {
  it("ends an override, and needs none", () => {
    const expansion = expansionOf(2, 1);
    const before: OverrideRecord = numbersOf(asked(6), expansion, [], now).override!;
    expect(numbersOf(asked(3), expansion, [before], now + 1)).toMatchObject({
      what: "ended",
      override: null,
      puts: [],
      deletes: ["Override/FleetConfig/web"],
    });
    expect(numbersOf(asked(3), expansion, [], now)).toMatchObject({
      what: "document",
      puts: [],
      deletes: [],
    });
  });

  it("leaves another fleet's override alone", () => {
    const other = { ...numbersOf(asked(6), expansionOf(2), [], now).override! };
    const foreign = { ...other, document: { ...document, name: "api" } };
    expect(numbersOf(asked(2), expansionOf(2), [foreign], now).deletes).toEqual([]);
  });
});

describe("the end of an override", () => {
  it("is told with what happens then, group by group", () => {
    const count = (set: string, here: number, instead: number) => ({ set, count: here, instead });
    expect(afterwards([count("web", 4, 2), count("batch", 1, 1)])).toBe(
      "2 members are removed, the newest first (web 2)",
    );
    expect(afterwards([count("web", 0, 1)])).toBe("1 member is launched (web 1)");
    expect(afterwards([count("web", 4, 2), count("batch", 0, 3)])).toBe(
      "3 members are launched (batch 3) and 2 members are removed, the newest first (web 2)",
    );
  });

  it("is shown with the sum that holds until then", () => {
    const override = numbersOf(asked(0), expansionOf(2, 1), [], now).override!;
    expect(tellOverride(override)).toMatchObject({
      desired: 0,
      afterwards: "3 members are launched (g0 2, g1 1)",
      counts: [
        { group: "g0", count: 0, instead: 2 },
        { group: "g1", count: 0, instead: 1 },
      ],
    });
  });
});
