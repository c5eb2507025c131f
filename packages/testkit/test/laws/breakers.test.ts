// Law 6: a number that a person wrote is consent; what vanished is forgotten, never destroyed.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as TestClock from "effect/testing/TestClock";
import { consentDigest } from "@muster/core/plan/removals";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import type { MemberPhase } from "@muster/core/words/provider";
import { type FakeCloud, makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { type Journey, launchedTwice, living, survive } from "../../src/fleet/survival.ts";
import { type FakeDocument, fakeTurn, fleetOf } from "../../src/fleet/turn.ts";

const start = Effect.fnUntraced(function* (...documents: ReadonlyArray<FakeDocument>) {
  const cloud = makeFakeCloud();
  const store = makeMemoryStore();
  yield* TestClock.setTime(Date.parse("2026-05-01T12:00:00.000Z"));
  yield* fakeTurn({ cloud, store, documents });
  yield* TestClock.adjust("1 hour");
  return { cloud, store };
});

const removedFrom = (cloud: FakeCloud) =>
  cloud.mutations().filter((mutation) => mutation.operation === "remove");

/** Members with our own mark that muster did not make: surplus, or twins of slot 1. */
const plantOurs = (
  cloud: FakeCloud,
  many: number,
  options: { readonly twins?: boolean; readonly phase?: MemberPhase } = {},
) =>
  Array.from({ length: many }, (_, index) =>
    cloud.plant({
      document: "site",
      owner: "us",
      name: { set: "web", slot: options.twins === true ? 1 : 50 + index, generation: 1 },
      createdAt: `2026-05-01T12:00:${String(30 + index).padStart(2, "0")}.000Z`,
      phase: options.phase ?? "running",
    }),
  );

const approve = (store: StoreShape, digest: string) =>
  store.commit({
    owner: "us",
    puts: [{ _tag: "Approval", digest, by: "ann", reason: "seen", at: "2026-05-01T12:30:00.000Z" }],
  });

const refusalOf = (turn: {
  readonly left: ReadonlyArray<{
    readonly refusals: ReadonlyArray<{
      readonly reason: { readonly code: string };
      readonly remedy: string;
      readonly consent?: string;
    }>;
  }>;
}) => turn.left.flatMap((plan) => plan.refusals)[0];

const conditionOf = (
  turn: {
    readonly statuses: ReadonlyArray<{
      readonly metadata: { readonly name: string };
      readonly conditions: ReadonlyArray<{ readonly type: string; readonly status: string }>;
    }>;
  },
  type: string,
  name = "site",
) =>
  turn.statuses
    .find((status) => status.metadata.name === name)
    ?.conditions.find((condition) => condition.type === type)?.status;

describe("law 6: what a person wrote", () => {
  it.effect("a count of 0 removes all", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(5));
      yield* fakeTurn({ cloud, store, documents: [fleetOf(0)] });
      assert.deepStrictEqual(living(cloud, "site"), []);
    }),
  );

  it.effect("a lowered count removes the difference, the newest first", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(2));
      yield* fakeTurn({ cloud, store, documents: [fleetOf(6)] });
      yield* TestClock.adjust("1 minute");
      yield* fakeTurn({ cloud, store, documents: [fleetOf(3)] });
      assert.deepStrictEqual(living(cloud, "site"), ["web-1.1", "web-2.1", "web-3.1"]);
    }),
  );

  it.effect("a count that was raised, not reached, and taken back is a changed count", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(3));
      const handler = {
        ...cloud.handler,
        create: (request: Parameters<typeof cloud.handler.create>[0]) =>
          request.member.slot === 8 ? Effect.never : cloud.handler.create(request),
      };
      yield* Effect.raceFirst(
        Effect.ignore(fakeTurn({ cloud, store, documents: [fleetOf(8)], handler })),
        Effect.forever(Effect.andThen(Effect.yieldNow, TestClock.adjust("1 second"))).pipe(
          Effect.timeout("2 minutes"),
          Effect.ignore,
        ),
      );
      assert.strictEqual(living(cloud, "site").length, 7);
      yield* TestClock.adjust("20 minutes");
      const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(3)] });
      assert.strictEqual(refusalOf(turn)?.reason.code, undefined);
      assert.strictEqual(living(cloud, "site").length, 3);
    }),
  );
});

describe("law 6: what vanished", () => {
  it.effect(
    "a document: Orphaned once, then quiet; come back, it is normal and nothing is doubled",
    () =>
      Effect.gen(function* () {
        const other = fleetOf(1, "other");
        const { cloud, store } = yield* start(fleetOf(3), other);
        const before = cloud.mutations().length;
        const first = yield* fakeTurn({ cloud, store, documents: [other] });
        assert.strictEqual(conditionOf(first, "Orphaned"), "True");
        const head = yield* store.auditHead;
        const records = yield* store.load("us");
        yield* TestClock.adjust("1 hour");
        const second = yield* fakeTurn({ cloud, store, documents: [other] });
        assert.strictEqual(conditionOf(second, "Orphaned"), "True");
        assert.strictEqual(second.lease, null);
        assert.deepStrictEqual(yield* store.auditHead, head);
        assert.deepStrictEqual(yield* store.load("us"), records);
        const back = yield* fakeTurn({ cloud, store, documents: [fleetOf(3), other] });
        assert.strictEqual(conditionOf(back, "Orphaned"), undefined);
        assert.strictEqual(conditionOf(back, "Ready"), "True");
        assert.strictEqual(cloud.mutations().length, before);
      }),
  );

  it.effect("every file, even all at once", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(2, "a"), fleetOf(2, "b"), fleetOf(0, "c"));
      const before = cloud.mutations().length;
      yield* fakeTurn({ cloud, store, documents: [] });
      yield* TestClock.adjust("1 day");
      yield* fakeTurn({ cloud, store, documents: [] });
      assert.strictEqual(cloud.mutations().length, before);
      const kept = (yield* store.load("us")).filter((record) => record._tag === "Document");
      assert.deepStrictEqual(
        kept.map((record) => record.document.name),
        ["a", "b"],
      );
    }),
  );

  it.effect("a group: its members stay, outside every count, and come back with it", () =>
    Effect.gen(function* () {
      const both = {
        name: "site",
        spec: {
          groups: [
            { name: "web", count: 2 },
            { name: "db", count: 2 },
          ],
        },
      };
      const { cloud, store } = yield* start(both);
      const before = cloud.mutations().length;
      const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      assert.strictEqual(
        turn.left[0]!.outside.filter((one) => one.why === "set vanished").length,
        2,
      );
      yield* fakeTurn({ cloud, store, documents: [both] });
      assert.strictEqual(cloud.mutations().length, before);
    }),
  );

  it.effect("faults in one file: nothing counts as vanished, and nothing is done", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(2), fleetOf(1, "other"));
      const before = yield* store.load("us");
      const broken = { name: "Not A Name!", spec: { groups: [] }, file: "broken.json" };
      const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(0), broken] });
      assert.isAbove(turn.diagnostics.length, 0);
      assert.deepStrictEqual(yield* store.load("us"), before);
      assert.strictEqual(living(cloud, "site").length, 2);
    }),
  );
});

describe("law 6: removals that nobody asked for", () => {
  const small = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }));

  it.effect.prop(
    "never more than the limit within any hour, however many are planted and however long it runs",
    {
      asked: small(10),
      planted: Schema.Array(Schema.Struct({ many: small(3), twins: Schema.Boolean })).check(
        Schema.isMinLength(1),
        Schema.isMaxLength(6),
      ),
      minutes: small(40),
    },
    ({ asked, planted, minutes }) =>
      Effect.gen(function* () {
        const { cloud, store } = yield* start(fleetOf(asked));
        const hour = 3_600_000;
        const limit = Math.max(1, Math.floor(asked / 4));
        for (const { many, twins } of planted) {
          plantOurs(cloud, many, { twins });
          yield* fakeTurn({ cloud, store, documents: [fleetOf(asked)] });
          yield* TestClock.adjust(`${minutes} minutes`);
        }
        const times = removedFrom(cloud).map((mutation) => mutation.at);
        for (const from of times) {
          const within = times.filter((at) => at >= from && at < from + hour).length;
          assert.isAtMost(within, limit);
        }
        assert.isAtLeast(living(cloud, "site").length, asked);
      }),
    { arbitrary: { runs: 25 }, timeout: 30_000 },
  );

  it.effect("above the limit nothing goes until exactly these members are approved", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(4));
      const planted = plantOurs(cloud, 3);
      const documents = [fleetOf(4)];
      const refused = yield* fakeTurn({ cloud, store, documents });
      const refusal = refusalOf(refused)!;
      assert.strictEqual(refusal.reason.code, "RemovalLimit");
      assert.include(refusal.remedy, refusal.consent!);
      assert.strictEqual(refusal.consent, consentDigest(planted.map(({ id }) => id)));
      assert.strictEqual(conditionOf(refused, "Stalled"), "True");
      yield* approve(store, consentDigest(planted.slice(1).map(({ id }) => id)));
      yield* fakeTurn({ cloud, store, documents });
      assert.deepStrictEqual(removedFrom(cloud), []);
      yield* approve(store, refusal.consent!);
      yield* fakeTurn({ cloud, store, documents });
      assert.sameMembers(
        removedFrom(cloud).map(({ id }) => id),
        planted.map(({ id }) => id),
      );
    }),
  );

  it.effect("a set that this store made has no time without a breaker", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* fakeTurn({ cloud, store, documents: [fleetOf(4)] });
      yield* TestClock.adjust("1 minute");
      plantOurs(cloud, 3);
      const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(4)] });
      assert.strictEqual(refusalOf(turn)?.reason.code, "RemovalLimit");
      assert.deepStrictEqual(removedFrom(cloud), []);
    }),
  );

  it.effect("a lowered count is consent to its difference once, not once a round", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(5));
      plantOurs(cloud, 4);
      yield* fakeTurn({ cloud, store, documents: [fleetOf(4)] });
      yield* TestClock.adjust("1 minute");
      yield* fakeTurn({ cloud, store, documents: [fleetOf(4)] });
      // One was asked for by the changed count, and one an hour is the limit for what was not.
      assert.isAtMost(removedFrom(cloud).length, 2);
    }),
  );

  it.effect("what another group is refused does not leave the consent of this one standing", () =>
    Effect.gen(function* () {
      const spec = (web: number) => ({
        name: "site",
        spec: {
          groups: [
            { name: "web", count: web },
            { name: "db", count: 1 },
          ],
        },
      });
      const { cloud, store } = yield* start(spec(6));
      for (const slot of [50, 51, 52]) {
        cloud.plant({
          document: "site",
          owner: "us",
          name: { set: "db", slot, generation: 1 },
          createdAt: "2026-05-01T12:00:40.000Z",
        });
      }
      yield* fakeTurn({ cloud, store, documents: [spec(2)] });
      assert.strictEqual(removedFrom(cloud).length, 4);
      plantOurs(cloud, 4);
      yield* fakeTurn({ cloud, store, documents: [spec(2)] });
      assert.isAtMost(removedFrom(cloud).length, 5);
    }),
  );

  it.effect("the sliding hour lets through what it held back, at nextDueAt", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(4));
      const documents = [fleetOf(4)];
      plantOurs(cloud, 1);
      yield* fakeTurn({ cloud, store, documents });
      assert.strictEqual(removedFrom(cloud).length, 1);
      yield* TestClock.adjust("10 minutes");
      plantOurs(cloud, 1);
      const held = yield* fakeTurn({ cloud, store, documents });
      assert.strictEqual(refusalOf(held)?.reason.code, "RemovalLimit");
      const due = Date.parse(held.left[0]!.nextDueAt!);
      yield* TestClock.setTime(due - 1);
      yield* fakeTurn({ cloud, store, documents });
      assert.strictEqual(removedFrom(cloud).length, 1);
      yield* TestClock.setTime(due);
      yield* fakeTurn({ cloud, store, documents });
      assert.strictEqual(removedFrom(cloud).length, 2);
    }),
  );

  it.effect(
    "a removal counts from its intent on: a crash does not make it forgotten",
    () =>
      Effect.gen(function* () {
        const route: Journey = {
          name: "surplus, and later more of it",
          steps: [
            { documents: [fleetOf(4)] },
            {
              documents: [fleetOf(4)],
              wait: "1 hour",
              before: (cloud: FakeCloud) => void plantOurs(cloud, 1),
            },
            { documents: [fleetOf(4)], before: (cloud: FakeCloud) => void plantOurs(cloud, 1) },
          ],
        };
        const { labels } = yield* survive(route, { store: "same", listLagMillis: 0 });
        for (let at = 1; at <= labels.length; at += 1) {
          const end = yield* survive(route, { store: "same", listLagMillis: 0, at });
          assert.isAtMost(removedFrom(end.cloud).length, 1, `point ${at} (${end.died})`);
          assert.deepStrictEqual(launchedTwice(end.cloud), []);
        }
      }),
    60_000,
  );

  it.effect("consent outlives a crash in the middle of what it allowed", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(4));
      const planted = plantOurs(cloud, 3);
      yield* approve(store, consentDigest(planted.map(({ id }) => id)));
      const handler = {
        ...cloud.handler,
        remove: (request: Parameters<typeof cloud.handler.remove>[0]) =>
          request.id === planted[0]!.id ? cloud.handler.remove(request) : Effect.never,
      };
      yield* Effect.raceFirst(
        Effect.ignore(fakeTurn({ cloud, store, documents: [fleetOf(4)], handler })),
        TestClock.adjust("1 second"),
      );
      assert.strictEqual(removedFrom(cloud).length, 1);
      yield* TestClock.adjust("1 minute");
      const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(4)] });
      assert.strictEqual(refusalOf(turn), undefined);
      assert.strictEqual(removedFrom(cloud).length, 3);
    }),
  );

  it.effect("what does not run for sure is never removed unasked", () =>
    Effect.gen(function* () {
      for (const phase of ["stopped", "unknown"] as const) {
        for (const twins of [true, false]) {
          const { cloud, store } = yield* start(fleetOf(4));
          const [doubtful] = plantOurs(cloud, 1, { phase, twins });
          yield* fakeTurn({ cloud, store, documents: [fleetOf(4)] });
          const gone = removedFrom(cloud).map(({ id }) => id);
          assert.notInclude(gone, doubtful!.id, `${phase}, ${twins ? "twin" : "surplus"}`);
        }
      }
    }),
  );

  it.effect("a renamed document or group takes its hour along", () =>
    Effect.gen(function* () {
      const renamed = { ...fleetOf(4, "place"), previousName: "site" };
      const regrouped = {
        name: "site",
        spec: { groups: [{ name: "front", previousName: "web", count: 4 }] },
      };
      for (const after of [renamed, regrouped]) {
        const { cloud, store } = yield* start(fleetOf(4));
        plantOurs(cloud, 1);
        yield* fakeTurn({ cloud, store, documents: [fleetOf(4)] });
        assert.strictEqual(removedFrom(cloud).length, 1);
        yield* fakeTurn({ cloud, store, documents: [after] });
        yield* TestClock.adjust("1 minute");
        const set = after === renamed ? "web" : "front";
        cloud.plant({
          document: after.name,
          owner: "us",
          name: { set, slot: 60, generation: 1 },
          createdAt: "2026-05-01T12:20:00.000Z",
        });
        yield* fakeTurn({ cloud, store, documents: [after] });
        assert.strictEqual(removedFrom(cloud).length, 1, after.name);
      }
    }),
  );
});

describe("law 6: a rename moves members", () => {
  const marksOnly = (cloud: FakeCloud, from: number) =>
    cloud
      .mutations()
      .slice(from)
      .map((mutation) => mutation.operation);

  it.effect("a document's, by marks alone", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(3));
      const turn = yield* fakeTurn({
        cloud,
        store,
        documents: [{ ...fleetOf(3, "place"), previousName: "site" }],
      });
      assert.deepStrictEqual(marksOnly(cloud, 3), ["mark", "mark", "mark"]);
      assert.deepStrictEqual(living(cloud, "place"), ["web-1.1", "web-2.1", "web-3.1"]);
      assert.strictEqual(conditionOf(turn, "Ready", "place"), "True");
      const names = (yield* store.load("us")).flatMap((record) =>
        "document" in record ? [record.document.name] : [],
      );
      assert.notInclude(names, "site");
    }),
  );

  it.effect("a group's, by marks alone", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(3));
      yield* fakeTurn({
        cloud,
        store,
        documents: [
          { name: "site", spec: { groups: [{ name: "front", previousName: "web", count: 3 }] } },
        ],
      });
      assert.deepStrictEqual(marksOnly(cloud, 3), ["mark", "mark", "mark"]);
      assert.deepStrictEqual(living(cloud, "site"), ["front-1.1", "front-2.1", "front-3.1"]);
    }),
  );

  it.effect.prop(
    "and a count that changes in the same commit holds, for documents, groups and both at once",
    {
      before: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
      after: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
      document: Schema.Boolean,
      group: Schema.Boolean,
    },
    ({ after, before, document, group }) =>
      Effect.gen(function* () {
        const { cloud, store } = yield* start(fleetOf(before));
        const name = document ? "place" : "site";
        const set = group ? "front" : "web";
        const one = { name: set, count: after, ...(group ? { previousName: "web" } : {}) };
        const renamed = {
          name,
          ...(document ? { previousName: "site" } : {}),
          spec: { groups: [one] },
        };
        yield* fakeTurn({ cloud, store, documents: [renamed] });
        yield* TestClock.adjust("31 seconds");
        const again = yield* fakeTurn({ cloud, store, documents: [renamed] });
        assert.strictEqual(living(cloud, name).length, after);
        assert.strictEqual(conditionOf(again, "Ready", name), "True");
        const launches = cloud.mutations().filter((one) => one.operation === "create").length;
        assert.strictEqual(launches, Math.max(before, after));
      }),
  );
});
