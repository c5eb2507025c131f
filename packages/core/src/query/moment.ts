// Turns the ages that a test speaks of into times, once it is known what time it is.

import type { Bound, Comparison, Test } from "./tree.ts";

const mirrored: Readonly<Record<Comparison, Comparison>> = {
  ">": "<",
  ">=": "<=",
  "<": ">",
  "<=": ">=",
};

/** The same test without ages: older than a day is before this time yesterday. `now`: milliseconds since 1970. */
export const atMoment = (test: Test, now: number): Test => {
  if (test.type === "compare" && test.bound.type === "age") {
    return { ...test, comparison: mirrored[test.comparison], bound: before(now, test.bound) };
  }
  if (test.type === "range" && test.from.type === "age") {
    return { ...test, from: before(now, test.to), to: before(now, test.from) };
  }
  return test;
};

const before = (now: number, { value }: Bound): Bound => ({ type: "time", value: now - value });
