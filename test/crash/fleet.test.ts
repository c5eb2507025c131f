// Holds that an operation on one fleet, killed anywhere, is finished by running it again.

import * as assert from "node:assert/strict";
import { describe, it } from "@effect/vitest";
import { type FleetSweep, sweepSome } from "./fleet-sweep.ts";

const seconds = 1_000;
/** At night all points are tried; `MUSTER_EVERY_POINT=1`. */
const points = process.env["MUSTER_EVERY_POINT"] === "1" ? Number.POSITIVE_INFINITY : 8;

/** Strictly serial: as soon as one is gone another follows, across the death too. */
const neverMoreThanOneMissing = ({ steps }: FleetSweep): void => {
  let missing = 0;
  for (const step of steps) {
    missing += step === "-" ? 1 : -1;
    assert.ok(missing >= 0 && missing <= 1, `${missing} missing: ${steps.join("")}`);
  }
};

describe("law 3: killed at some points, and run again", () => {
  it.live(
    "a rolling restart is continued, not begun anew",
    () =>
      sweepSome({ before: 3, operation: ["rolling-restart"], after: 3 }, points, (swept) => {
        neverMoreThanOneMissing(swept);
        assert.equal(swept.left, 0, "nobody of before is left");
        const { steps } = swept;
        // Begun anew it is only where nothing of it was remembered, or nothing of it was left.
        const continued = swept.told.includes("an unfinished restart is continued");
        if (!swept.died || continued) assert.equal(steps.length, 6, steps.join(""));
        else assert.ok(steps.length === 6 || steps.length === 12, steps.join(""));
      }),
    300 * seconds,
  );

  it.live(
    "scaling up launches nobody twice",
    () =>
      sweepSome({ before: 2, operation: ["scale", "5"], after: 5 }, points, ({ steps, left }) => {
        assert.deepEqual(steps, ["+", "+", "+"]);
        assert.equal(left, 2);
      }),
    300 * seconds,
  );

  it.live(
    "scaling down removes no more than was asked",
    () =>
      sweepSome({ before: 4, operation: ["scale", "2"], after: 2 }, points, ({ steps, left }) => {
        assert.deepEqual(steps, ["-", "-"]);
        assert.equal(left, 2);
      }),
    300 * seconds,
  );
});
