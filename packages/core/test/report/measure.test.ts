// Holds that what is measured of documents stays bounded, and that what is gone is taken off.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import {
  measureStatuses,
  memberReadings,
  toldDocuments,
  unitState,
} from "../../src/report/measure.ts";
import type { ConditionType, DocumentStatus } from "../../src/words/status.ts";

const status = (name: string, ...types: ReadonlyArray<ConditionType>): DocumentStatus => ({
  apiVersion: "fleet.v1",
  kind: "FakeFleetStatus",
  metadata: { name },
  observed: { commit: null, inputDigest: null },
  conditions: types.map((type) => ({
    type,
    status: "True",
    reason: "",
    message: "",
    since: "",
    commit: null,
  })),
  counts: [
    { set: "a", asked: 3, present: 2, running: 1, unowned: 0 },
    { set: "b", asked: 1, present: 1, running: 1, unowned: 0 },
  ],
  members: [],
});

const shown = Effect.map(Metric.snapshot, (all) =>
  all
    .filter(({ id }) => id === "muster.members")
    .map(({ attributes }) => attributes?.["muster.document.name"])
    .filter((name) => name !== undefined),
);

describe("what is measured of documents", () => {
  it("names no more of them than its bound, and loses none", () => {
    const many = Array.from({ length: toldDocuments + 50 }, (_, index) => status(`f${index}`));
    const readings = memberReadings(many);
    assert.strictEqual(readings.length, 3 * (toldDocuments + 1));
    const asked = readings.filter(({ labels }) => labels["muster.state"] === "asked");
    assert.strictEqual(
      asked.reduce((sum, { value }) => sum + value, 0),
      4 * many.length,
    );
    const others = asked.find(({ labels }) => labels["muster.document.name"] === "(others)");
    assert.strictEqual(others?.value, 4 * 50);
    assert.deepStrictEqual(memberReadings(many.toReversed()), readings);
  });

  it.effect("forgets a document that is gone", () =>
    Effect.gen(function* () {
      yield* measureStatuses([status("one", "Ready"), status("two", "Stalled")]);
      assert.deepStrictEqual([...new Set(yield* shown)].sort(), ["one", "two"]);
      yield* measureStatuses([status("two", "Stalled")]);
      assert.deepStrictEqual([...new Set(yield* shown)], ["two"]);
    }),
  );

  it("is the worst of its conditions", () => {
    assert.strictEqual(unitState(status("x", "Ready", "Stalled")), "Stalled");
    assert.strictEqual(unitState(status("x", "SourceVerified")), "Unknown");
  });
});
