import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { plan } from "@muster/core/plan/plan";
import { encodePlans } from "@muster/core/plan/seal";
import { canonicalJson } from "@muster/core/words/canonical";
import type { Document } from "@muster/core/words/document";
import { defaultPolicy } from "@muster/core/words/policy";
import type { MemberPhase, MemberSighting } from "@muster/core/words/provider";
import type { StoreRecord } from "@muster/core/words/record";
import { FakeFleet } from "../../src/fleet/fake-fleet.ts";

const start = Date.parse("2026-05-01T12:00:00.000Z");
const policy = defaultPolicy("us");
const phases: ReadonlyArray<MemberPhase> = ["running", "starting", "stopped", "leaving", "gone"];

const small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }));
const Seen = Schema.Struct({
  fleet: small,
  slot: small,
  generation: small,
  phase: small,
  owned: Schema.Boolean,
  age: small,
});
const Scenario = {
  counts: Schema.Array(small).check(Schema.isMaxLength(4)),
  seen: Schema.Array(Seen).check(Schema.isMaxLength(12)),
  applied: Schema.Array(small).check(Schema.isMaxLength(4)),
  shuffle: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 }))),
};
type Scenario = { readonly [K in keyof typeof Scenario]: (typeof Scenario)[K]["Type"] };

const documentsOf = (scenario: Scenario): ReadonlyArray<Document> =>
  scenario.counts.map((count, index) => ({
    kind: "FakeFleet",
    name: `fleet-${index}`,
    spec: { groups: [{ name: "web", count }] },
    inputDigest: `sha256:${index}-${count}`,
    place: { file: "fleet.yaml", line: 1, column: 1 },
  }));

const sighting = (seen: Scenario["seen"][number], index: number): MemberSighting => ({
  id: `machine-${index}`,
  displayName: `machine-${index}`,
  document: `fleet-${seen.fleet}`,
  name: seen.owned ? { set: "web", slot: seen.slot + 1, generation: seen.generation + 1 } : null,
  owner: seen.owned ? "us" : null,
  phase: phases[seen.phase]!,
  createdAt: new Date(start - seen.age * 1000).toISOString(),
  place: "place-1",
  template: null,
  version: `v${index}`,
});

const recordsOf = (scenario: Scenario): ReadonlyArray<StoreRecord> =>
  scenario.applied.map((count, index) => ({
    _tag: "Applied",
    document: { kind: "FakeFleet", name: `fleet-${index}` },
    set: "web",
    count,
    template: "t",
  }));

/** The same values in another order, decided by the scenario's own numbers. */
const shuffled = <A>(values: ReadonlyArray<A>, keys: ReadonlyArray<number>): ReadonlyArray<A> =>
  values
    .map((value, index) => [keys[index % Math.max(1, keys.length)] ?? -index, index, value] as const)
    .sort((a, b) => a[0] - b[0] || b[1] - a[1])
    .map(([, , value]) => value);

const planned = (scenario: Scenario, order: ReadonlyArray<number> | null, now = start) => {
  const arrange = <A>(values: ReadonlyArray<A>) =>
    order === null ? values : shuffled(values, order);
  const documents = documentsOf(scenario);
  return plan({
    kinds: [FakeFleet],
    documents: arrange(documents),
    complete: true,
    observations: arrange(documents).map((document) => ({
      document: { kind: document.kind, name: document.name },
      complete: true,
      members: arrange(
        scenario.seen.map(sighting).filter((seen) => seen.document === document.name),
      ),
      places: { web: ["place-1"] },
      blockers: [],
    })),
    records: arrange(recordsOf(scenario)),
    policy,
    now,
  });
};

describe("law 1: pure plan", () => {
  it.effect.prop(
    "the same inputs in any order give the same bytes",
    Scenario,
    (scenario) =>
      Effect.sync(() => {
        assert.strictEqual(
          encodePlans(planned(scenario, scenario.shuffle)),
          encodePlans(planned(scenario, null)),
        );
      }),
  );

  it.effect.prop("time alone changes nothing before nextDueAt", Scenario, (scenario) =>
    Effect.sync(() => {
      const plans = planned(scenario, null);
      const due = plans.flatMap((one) => (one.nextDueAt === null ? [] : [Date.parse(one.nextDueAt)]));
      const later = Math.min(start + 365 * 86_400_000, ...due.map((time) => time - 1));
      assert.strictEqual(encodePlans(planned(scenario, null, later)), encodePlans(plans));
    }),
  );

  it.effect.prop("volatile facts stay out of the digest", Scenario, (scenario) =>
    Effect.sync(() => {
      const plans = planned(scenario, null);
      const other = plan({
        kinds: [FakeFleet],
        documents: documentsOf(scenario),
        complete: true,
        observations: documentsOf(scenario).map((document) => ({
          document: { kind: document.kind, name: document.name },
          complete: true,
          members: scenario.seen
            .map(sighting)
            .filter((seen) => seen.document === document.name)
            .map((seen) => ({ ...seen, version: `another-${seen.version}` })),
          places: { web: ["place-1"] },
          blockers: [],
        })),
        records: recordsOf(scenario),
        policy,
        now: start,
      });
      assert.deepStrictEqual(
        other.map((one) => one.digest),
        plans.map((one) => one.digest),
      );
    }),
  );

  it("canonical JSON is one spelling", () => {
    assert.strictEqual(canonicalJson({ b: 1, a: [null, "x"] }), '{"a":[null,"x"],"b":1}');
    assert.throws(() => canonicalJson({ a: Number.NaN }), TypeError);
  });
});
