// Holds when the list is enough to tell the end of a change, and how old it may be.

import { assert, describe, it } from "@effect/vitest";
import { makeWaits } from "../src/waiting.ts";

describe("a wait", () => {
  it("takes a list as old as a twentieth of itself, at most five seconds", () => {
    const wait = makeWaits().of("a", 1_000);
    assert.deepStrictEqual(
      [1_000, 2_000, 21_000, 600_000].map((now) => wait.maxAgeMillis(now)),
      [0, 50, 1_000, 5_000],
    );
  });

  it("takes no list that it may have seen already", () => {
    const wait = makeWaits().of("a", 0);
    wait.isDue("living", 10_000);
    assert.deepStrictEqual(
      [10_000, 10_100, 12_000].map((now) => wait.maxAgeMillis(now)),
      [0, 99, 600],
    );
  });

  it("is overdue every five minutes, and at once where the list does not show it", () => {
    const wait = makeWaits().of("a", 0);
    const due = (now: number) => wait.isDue("living", now);
    assert.deepStrictEqual([0, 299_999, 300_000, 300_001, 599_999, 600_000].map(due), [
      false,
      false,
      true,
      false,
      false,
      true,
    ]);
    assert.isTrue(wait.isDue("absent", 600_001));
    assert.isTrue(wait.isDue("absent", 600_002));
  });

  it("asks at every thirtieth look, so that a list that lags far behind holds nobody up", () => {
    const wait = makeWaits().of("a", 0);
    const due = Array.from({ length: 60 }, () => wait.isDue("living", 1));
    assert.deepStrictEqual(
      due.flatMap((isDue, index) => (isDue ? [index + 1] : [])),
      [30, 60],
    );
  });

  it("is due as soon as what was leaving is back", () => {
    const wait = makeWaits().of("a", 0);
    assert.deepStrictEqual(
      (["living", "leaving", "leaving", "living", "living"] as const).map((listed) =>
        wait.isDue(listed, 1),
      ),
      [false, false, false, true, false],
    );
  });

  it("goes on until its end is known, and then begins anew", () => {
    const waits = makeWaits();
    waits.of("a", 0);
    assert.strictEqual(waits.of("a", 20_000).maxAgeMillis(20_000), 1_000);
    waits.end("a");
    assert.strictEqual(waits.of("a", 20_000).maxAgeMillis(20_000), 0);
  });

  it("is forgotten when there are too many younger ones", () => {
    const waits = makeWaits();
    for (let number = 0; number <= 10_000; number += 1) waits.of(`${number}`, 0);
    assert.strictEqual(waits.of("1", 20_000).maxAgeMillis(20_000), 1_000);
    assert.strictEqual(waits.of("0", 20_000).maxAgeMillis(20_000), 0);
  });
});
