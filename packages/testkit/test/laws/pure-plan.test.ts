// Law 1: the same inputs in any order give the same bytes, and time acts only by crossing a named deadline.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { plan } from "@muster/core/plan/plan";
import { encodePlans, sealPlan, type UnsealedPlan } from "@muster/core/plan/seal";
import { canonicalJson } from "@muster/core/words/canonical";
import type { Document } from "@muster/core/words/document";
import { formatMember } from "@muster/core/words/member";
import { defaultPolicy } from "@muster/core/words/policy";
import type { MemberPhase, MemberSighting } from "@muster/core/words/provider";
import type { StoreRecord } from "@muster/core/words/record";
import { FakeFleet } from "../../src/fleet/fake-fleet.ts";

const start = Date.parse("2026-05-01T12:00:00.000Z");
const policy = { ...defaultPolicy("us"), quarantine: true };
const phases: ReadonlyArray<MemberPhase> = ["running", "starting", "stopped", "leaving", "gone"];

const small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }));
const Seen = Schema.Struct({
  fleet: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
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
  /** Unasked removals of the last hour, by fleet and age in ten minutes. */
  removed: Schema.Array(Schema.Struct({ fleet: small, age: small })).check(Schema.isMaxLength(6)),
  /** Launches that an earlier run left open, by fleet and slot, with their age in minutes. */
  open: Schema.Array(Schema.Struct({ fleet: small, slot: small, age: small })).check(
    Schema.isMaxLength(4),
  ),
  /** Whether a person asked to adopt what has no owner. */
  adopted: Schema.Boolean,
  /** What holds a fleet back or destroys a member of it; its minutes lie around the start. */
  brakes: Schema.Array(
    Schema.Struct({
      fleet: small,
      what: Schema.Literals(["suspend", "say", "quarantine", "approve", "destroy"]),
      minutes: small,
    }),
  ).check(Schema.isMaxLength(6)),
  /** Whether a file is gone whose document the store still knows. */
  vanished: Schema.Boolean,
  shuffle: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 }))),
};
type Scenario = { readonly [K in keyof typeof Scenario]: (typeof Scenario)[K]["Type"] };

const noBrakes = { brakes: [], vanished: false } satisfies Partial<Scenario>;

const documentsOf = (scenario: Scenario): ReadonlyArray<Document> =>
  scenario.counts.map((count, index) => ({
    kind: "FakeFleet",
    name: `fleet-${index}`,
    spec: { groups: [{ name: "web", count }], ...saidBy(scenario, index) },
    inputDigest: digestOfFleet(scenario, index),
    place: { file: "fleet.yaml", line: 1, column: 1 },
  }));

const digestOfFleet = (scenario: Scenario, index: number) =>
  `sha256:${index}-${scenario.counts[index] ?? "none"}`;

/** From a minute before the start to three minutes after it. */
const aroundStart = (minutes: number): string =>
  new Date(start + (minutes - 1) * 60_000).toISOString();

const saidBy = (scenario: Scenario, index: number) => {
  const said = scenario.brakes.find(({ fleet, what }) => fleet === index && what === "say");
  return said === undefined
    ? {}
    : { suspend: { until: aroundStart(said.minutes), reason: "moving" } };
};

/** The first fleet that no document asks for. */
const vanishedOf = (scenario: Scenario) => ({
  kind: "FakeFleet",
  name: `fleet-${scenario.counts.length}`,
});

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
  restart: null,
  health: null,
  version: `v${index}`,
});

const recordsOf = (scenario: Scenario): ReadonlyArray<StoreRecord> => [
  ...scenario.applied.map((count, index): StoreRecord => ({
    _tag: "Applied",
    document: { kind: "FakeFleet", name: `fleet-${index}` },
    set: "web",
    count,
    template: "t",
    // Some so fresh that a list may still lag behind them.
    knownSince: new Date(start - count * 240_000).toISOString(),
  })),
  ...scenario.removed.map(({ age, fleet }, index): StoreRecord => ({
    _tag: "Removal",
    document: { kind: "FakeFleet", name: `fleet-${fleet}` },
    set: "web",
    id: `gone-${index}`,
    at: new Date(start - age * 600_000 - index).toISOString(),
  })),
  ...uniqueBy(scenario.open, ({ fleet, slot }) => `${fleet}.${slot}`).map(
    ({ age, fleet, slot }): StoreRecord => ({
      _tag: "Intent",
      id: `create:FakeFleet/fleet-${fleet}:web-${slot + 1}.1`,
      document: { kind: "FakeFleet", name: `fleet-${fleet}` },
      action: "create",
      member: { set: "web", slot: slot + 1, generation: 1 },
      target: null,
      place: "place-1",
      token: "token",
      template: "t",
      asked: true,
      plan: "sha256:0",
      run: "run-0",
      at: new Date(start - age * 60_000).toISOString(),
    }),
  ),
  ...adoptionsOf(scenario),
  ...uniqueBy(scenario.brakes, ({ fleet, what }) => `${fleet} ${what}`).flatMap((brake) =>
    brakeOf(scenario, brake),
  ),
  ...(scenario.vanished ? [orphanOf(scenario)] : []),
];

const brakeOf = (
  scenario: Scenario,
  { fleet, minutes, what }: Scenario["brakes"][number],
): ReadonlyArray<StoreRecord> => {
  const document = { kind: "FakeFleet", name: `fleet-${fleet}` };
  const inputDigest = digestOfFleet(scenario, fleet);
  const person = { by: "ann", reason: "because", at: aroundStart(minutes) };
  switch (what) {
    case "suspend":
      return [{ _tag: "Suspension", document, ...person, until: aroundStart(minutes) }];
    case "quarantine":
      return [
        {
          _tag: "Quarantine",
          document,
          inputDigest: minutes === 4 ? "sha256:another" : inputDigest,
          message: "no such image",
          remedy: null,
          at: aroundStart(minutes),
        },
      ];
    case "approve":
      return [{ _tag: "Approval", digest: inputDigest, ...person }];
    case "destroy":
      return [{ _tag: "Destruction", document, id: `machine-${minutes}`, ...person }];
    case "say":
      return [];
  }
};

const orphanOf = (scenario: Scenario): StoreRecord => {
  const document = vanishedOf(scenario);
  const spec = { groups: [{ name: "web", count: 2 }] };
  return {
    _tag: "Document",
    document,
    orphanedAt: aroundStart(1),
    inputDigest: "sha256:before",
    revision: null,
    expansion: FakeFleet.expand({
      ...document,
      spec,
      inputDigest: "sha256:before",
      place: { file: "fleet.yaml", line: 1, column: 1 },
    }),
  };
};

const adoptionsOf = (scenario: Scenario): ReadonlyArray<StoreRecord> =>
  scenario.seen.flatMap((seen, index): ReadonlyArray<StoreRecord> => {
    if (seen.owned || !scenario.adopted) return [];
    return [
      {
        _tag: "Adoption",
        document: { kind: "FakeFleet", name: `fleet-${seen.fleet}` },
        id: `machine-${index}`,
        from: null,
        set: "web",
        by: "ann",
        reason: "ours",
        at: new Date(start).toISOString(),
      },
    ];
  });

const uniqueBy = <A>(values: ReadonlyArray<A>, keyOf: (value: A) => string) => [
  ...new Map(values.map((value) => [keyOf(value), value])).values(),
];

/** The same values in another order, decided by the scenario's own numbers. */
const shuffled = <A>(values: ReadonlyArray<A>, keys: ReadonlyArray<number>): ReadonlyArray<A> =>
  values
    .map(
      (value, index) => [keys[index % Math.max(1, keys.length)] ?? -index, index, value] as const,
    )
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
    observations: arrange([...documents, vanishedOf(scenario)]).map((document) => ({
      document: { kind: document.kind, name: document.name },
      complete: true,
      members: arrange(
        scenario.seen.map(sighting).filter((seen) => seen.document === document.name),
      ),
      places: { web: { spread: ["place-1"], fallback: [] } },
      blockers: [],
    })),
    records: arrange(recordsOf(scenario)),
    policy,
    now,
  });
};

/** The same value with one leaf changed, or one element of an array left out: each in turn. */
const variants = (value: unknown): ReadonlyArray<unknown> => {
  if (Array.isArray(value)) {
    return value.flatMap((element, index) => [
      value.toSpliced(index, 1),
      ...variants(element).map((other) => value.with(index, other)),
    ]);
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, member]) =>
      member === undefined ? [] : variants(member).map((other) => ({ ...value, [key]: other })),
    );
  }
  if (typeof value === "number") return [value + 1];
  if (typeof value === "boolean") return [!value];
  return [typeof value === "string" ? `${value}x` : "x"];
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
    { arbitrary: { runs: 400 } },
  );

  it("twins of a launch that was left open are told apart by age, not by the list", () => {
    const twin = { fleet: 0, slot: 2, generation: 0, phase: 0, owned: true } as const;
    const scenario: Scenario = {
      counts: [2],
      seen: [
        { ...twin, age: 0 },
        { ...twin, age: 3 },
      ],
      applied: [],
      removed: [],
      open: [{ fleet: 0, slot: 2, age: 2 }],
      adopted: false,
      ...noBrakes,
      shuffle: [],
    };
    assert.strictEqual(
      encodePlans(planned(scenario, [2, 1])),
      encodePlans(planned(scenario, [1, 2])),
    );
  });

  it.effect.prop("time alone changes nothing before nextDueAt", Scenario, (scenario) =>
    Effect.sync(() => {
      const plans = planned(scenario, null);
      const due = plans.flatMap((one) =>
        one.nextDueAt === null ? [] : [Date.parse(one.nextDueAt)],
      );
      const later = Math.min(start + 365 * 86_400_000, ...due.map((time) => time - 1));
      assert.strictEqual(encodePlans(planned(scenario, null, later)), encodePlans(plans));
    }),
  );

  it.effect.prop(
    "in the sliding hour too: the plan changes at nextDueAt and not before",
    {
      asked: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 })),
      surplus: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
      ages: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 70 }))).check(
        Schema.isMaxLength(6),
      ),
    },
    ({ ages, asked, surplus }) =>
      Effect.sync(() => {
        const one: Scenario = {
          counts: [asked],
          seen: Array.from({ length: asked + surplus }, (_, slot) => ({
            fleet: 0,
            slot,
            generation: 0,
            phase: 0,
            owned: true,
            age: 0,
          })),
          applied: [asked],
          removed: ages.map((age) => ({ fleet: 0, age: age / 10 })),
          open: [],
          adopted: false,
          ...noBrakes,
          shuffle: [],
        };
        const [now] = planned(one, null);
        const due = now!.nextDueAt === null ? start + 86_400_000 : Date.parse(now!.nextDueAt);
        const [before] = planned(one, null, due - 1);
        assert.strictEqual(canonicalJson(before), canonicalJson(now));
        if (now!.nextDueAt === null) return;
        const [after] = planned(one, null, due);
        assert.notStrictEqual(after!.digest, now!.digest);
      }),
  );

  it.effect.prop("at nextDueAt the plan is another", Scenario, (scenario) =>
    Effect.sync(() => {
      for (const one of planned(scenario, null)) {
        if (one.nextDueAt === null) continue;
        const due = Date.parse(one.nextDueAt);
        assert.isAbove(due, start);
        const then = planned(scenario, null, due).find(
          (other) => other.document.name === one.document.name,
        );
        assert.notStrictEqual(canonicalJson(then), canonicalJson(one));
      }
    }),
  );

  it.effect.prop(
    "whatever would be done, refused or held otherwise, the digest is another",
    Scenario,
    (scenario) =>
      Effect.sync(() => {
        for (const one of planned(scenario, null)) {
          const { digest, ...body } = one;
          const told = {
            inputDigest: body.inputDigest,
            changes: body.changes.map((change) => ({ ...change, precondition: undefined })),
            refusals: body.refusals,
            parallel: body.parallel,
          };
          for (const other of variants(told)) {
            const sealed = sealPlan({ ...body, ...(other as Partial<UnsealedPlan>) });
            assert.notStrictEqual(sealed.digest, digest, canonicalJson(other));
          }
          const held = { reason: { code: "Held", text: "" }, remedy: "" };
          assert.notStrictEqual(sealPlan({ ...body, hold: held }).digest, digest);
          assert.notStrictEqual(sealPlan({ ...body, orphaned: !one.orphaned }).digest, digest);
          assert.strictEqual(sealPlan({ ...body, nextDueAt: "later" }).digest, digest);
          assert.strictEqual(sealPlan(body).digest, digest);
        }
      }),
    { timeout: 30_000, arbitrary: { runs: 30 } },
  );

  it.effect.prop(
    "no two launches or marks of a plan give the same name",
    Scenario,
    (scenario) =>
      Effect.sync(() => {
        for (const one of planned(scenario, null)) {
          const names = one.changes.flatMap((change) =>
            change.action === "create" || change.action === "adopt" || change.action === "update"
              ? [formatMember(change.member)]
              : [],
          );
          assert.deepStrictEqual(names, [...new Set(names)]);
        }
      }),
    { arbitrary: { runs: 300 } },
  );

  it.effect.prop("volatile facts stay out of the digest", Scenario, (scenario) =>
    Effect.sync(() => {
      const plans = planned(scenario, null);
      const other = plan({
        kinds: [FakeFleet],
        documents: documentsOf(scenario),
        complete: true,
        observations: [...documentsOf(scenario), vanishedOf(scenario)].map((document) => ({
          document: { kind: document.kind, name: document.name },
          complete: true,
          members: scenario.seen
            .map(sighting)
            .filter((seen) => seen.document === document.name)
            .map((seen) => ({ ...seen, version: `another-${seen.version}` })),
          places: { web: { spread: ["place-1"], fallback: [] } },
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
