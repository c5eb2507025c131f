// Holds how far the looks at running work are apart: by what has passed, by what was learned, and by choice.

import { assert, describe, it } from "@effect/vitest";
import { defaultPace, narrowed, paceOf, pollWait, type Seen } from "../../src/apply/retry.ts";

/** The waits of work that never ends, until so many milliseconds have passed. */
const waitsUntil = (end: number, seen?: Seen, dice = 0.5): ReadonlyArray<number> => {
  const waits: Array<number> = [];
  for (let elapsed = 0; elapsed < end; elapsed += waits.at(-1)!) {
    waits.push(pollWait(defaultPace, elapsed, seen, dice));
  }
  return waits;
};

/** All is learned: some looks came just before its end. */
const known = (shortest: number): Seen => ({ shortest, before: shortest });

describe("the wait before the next look", () => {
  it("is short at first, and longer by a quarter of what has passed, up to the longest", () => {
    const waits = waitsUntil(60_000);
    assert.deepStrictEqual(waits.slice(0, 3), [500, 625, 781.25]);
    assert.deepStrictEqual(
      waits,
      waits.toSorted((a, b) => a - b),
    );
    assert.strictEqual(waits.at(-1), 5_000);
  });

  it("goes half of the way to where the end is expected, and is close around it", () => {
    const waits = waitsUntil(48_000, known(45_000));
    assert.deepStrictEqual(waits.slice(0, 4), [22_500, 11_250, 5_625, 5_000]);
    assert.deepStrictEqual(waits.slice(4), [2_250, 2_656.25]);
  });

  it("goes to the end at once where that is not far, some before it and some after", () => {
    assert.strictEqual(pollWait(defaultPace, 0, known(2_000), 0), 1_900);
    assert.strictEqual(pollWait(defaultPace, 0, known(2_000), 1), 2_100);
  });

  it("goes between the looks that the end was seen to lie between, until these are close", () => {
    const end = 2_000;
    let seen: Seen = { shortest: 2_900, before: 1_800 };
    for (let work = 0; work < 5; work += 1) {
      let [elapsed, lookBefore] = [pollWait(defaultPace, 0, seen, 0.5), 0];
      while (elapsed < end) {
        lookBefore = elapsed;
        elapsed += pollWait(defaultPace, elapsed, seen, 0.5);
      }
      seen = narrowed(seen, elapsed, lookBefore);
    }
    assert.isAtMost(seen.shortest, 1.05 * end);
    assert.isAtLeast(seen.before, 0.95 * end);
  });

  it("forgets a look that was later than the end of other work", () => {
    assert.deepStrictEqual(narrowed(undefined, 3_000, 2_000), { shortest: 3_000, before: 2_000 });
    assert.deepStrictEqual(narrowed({ shortest: 3_000, before: 2_000 }, 1_500, 1_000), {
      shortest: 1_500,
      before: 1_000,
    });
    assert.deepStrictEqual(narrowed({ shortest: 3_000, before: 2_000 }, 4_000, 3_500), {
      shortest: 3_000,
      before: 2_000,
    });
  });

  it("is longer again when the end does not come when it was expected", () => {
    const waits = waitsUntil(300_000, known(10_000)).slice(3);
    assert.deepStrictEqual(
      waits,
      waits.toSorted((a, b) => a - b),
    );
    assert.strictEqual(waits.at(-1), 5_000);
  });

  it("is spread by a tenth up and down", () => {
    for (const seen of [undefined, known(10_000)]) {
      const [least, most] = [0, 1].map((dice) => pollWait(defaultPace, 30_000, seen, dice));
      assert.isAbove(most!, least!);
      assert.isAtMost(most!, 5_500);
    }
  });
});

describe("the pace of a handler", () => {
  it("is the core's, unless its operator chose the first wait: the longest is ten times that", () => {
    assert.strictEqual(paceOf({}, defaultPace), defaultPace);
    const longest = (pollMillis: number) => paceOf({ pollMillis }, defaultPace).pollMaxMillis;
    assert.deepStrictEqual(
      [200, 3_000, 10_000, 60_000].map(longest),
      [2_000, 30_000, 30_000, 60_000],
    );
    assert.deepStrictEqual(paceOf({ pollMillis: 500 }, defaultPace), defaultPace);
  });
});
