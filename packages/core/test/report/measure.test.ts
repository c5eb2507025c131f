// Holds that what is measured of documents stays bounded, and that what is gone is taken off.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import { makeCensus, measureStatuses, toldDocuments } from "../../src/report/measure.ts";
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
    const census = makeCensus();
    const many = Array.from({ length: toldDocuments + 50 }, (_, index) => status(`f${index}`));
    const named = () => many.map(census.take).filter((entry) => entry.named).length;
    assert.strictEqual(named(), toldDocuments);
    assert.deepStrictEqual(census.others(), { asked: 200, present: 150, running: 100 });
    // Told anew, nothing is counted twice.
    assert.strictEqual(named(), toldDocuments);
    assert.deepStrictEqual(census.others(), { asked: 200, present: 150, running: 100 });
    for (let index = 0; index < 50; index += 1) census.drop(`FakeFleet/f${index}`);
    assert.isTrue(census.take(status(`f${toldDocuments}`)).named);
    assert.deepStrictEqual(census.others(), { asked: 196, present: 147, running: 98 });
    assert.strictEqual(census.states().Unknown, many.length - 50);
  });

  it.effect("is kept up part by part, and forgets a document that is gone", () =>
    Effect.gen(function* () {
      yield* measureStatuses([status("one", "Ready"), status("two", "Stalled")], []);
      yield* measureStatuses([status("one", "Ready")], []);
      assert.deepStrictEqual([...new Set(yield* shown)].sort(), ["one", "two"]);
      yield* measureStatuses([], ["Status/FakeFleet/one"]);
      assert.deepStrictEqual([...new Set(yield* shown)], ["two"]);
    }),
  );

  it("is the worst of its conditions", () => {
    const stateOf = (...types: ReadonlyArray<ConditionType>) =>
      makeCensus().take(status("x", ...types)).state;
    assert.strictEqual(stateOf("Ready", "Stalled"), "Stalled");
    assert.strictEqual(stateOf("SourceVerified"), "Unknown");
  });
});
