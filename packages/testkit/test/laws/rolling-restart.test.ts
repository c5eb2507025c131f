// A rolling restart: stage by stage, never more missing than may be, and the same from any store and after any death.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import { effectiveChanges, type Plan } from "@muster/core/words/plan";
import { type Handler, ProviderError } from "@muster/core/words/provider";
import { type FakeCloud, makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import type { FakeSpec } from "../../src/fleet/fake-fleet.ts";
import { whileTimePasses } from "../../src/fleet/passing-time.ts";
import { launchedTwice, living, settleDown, survive } from "../../src/fleet/survival.ts";
import { type FakeDocument, fakeTurn } from "../../src/fleet/turn.ts";

const restarted = (
  count: number,
  restart: string | undefined,
  spec: Partial<FakeSpec> = {},
): FakeDocument => ({
  name: "site",
  spec: {
    groups: [{ name: "web", count }],
    ...(restart === undefined ? {} : { restart }),
    ...spec,
  },
});

const serial = { maxUnavailable: 1, maxSurge: 0, pauseMillis: 0, onDrift: false };
const surging = { ...serial, maxUnavailable: 0, maxSurge: 1 };

/** The fewest that ran right after a removal was sent. */
const watchFewest = (cloud: FakeCloud) => {
  let fewest = Number.POSITIVE_INFINITY;
  const note = () => {
    const running = cloud
      .machines()
      .filter(({ phase, owner }) => phase === "running" && owner === "us");
    fewest = Math.min(fewest, running.length);
  };
  const handler: Handler = {
    ...cloud.handler,
    remove: (request) => Effect.tap(cloud.handler.remove(request), () => Effect.sync(note)),
  };
  return { handler, fewest: () => fewest };
};

const removals = (cloud: FakeCloud): ReadonlyArray<string> =>
  cloud
    .mutations()
    .filter(({ operation }) => operation === "remove")
    .map(({ name }) => name);

const start = Effect.fnUntraced(function* (count: number) {
  const cloud = makeFakeCloud();
  const store = makeMemoryStore();
  yield* TestClock.setTime(Date.parse("2026-05-01T12:00:00.000Z"));
  for (let members = 1; members <= count; members += 1) {
    yield* fakeTurn({ cloud, store, documents: [restarted(members, undefined)] });
    yield* TestClock.adjust("1 minute");
  }
  return { cloud, store };
});

const turn = (cloud: FakeCloud, store: StoreShape, document: FakeDocument, handler?: Handler) =>
  whileTimePasses(
    fakeTurn({
      cloud,
      store,
      documents: [document],
      ...(handler === undefined ? {} : { handler }),
    }),
    "500 millis",
  );

const isIdle = ({ left }: { readonly left: ReadonlyArray<Plan> }): boolean =>
  left.every((plan) => effectiveChanges(plan).length === 0 && plan.refusals.length === 0);

describe("a restart that the document asks for", () => {
  it.effect("replaces all, the newest first, one after the other, and then nothing more", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(4);
      const { handler, fewest } = watchFewest(cloud);
      const done = yield* turn(cloud, store, restarted(4, "r1"), handler);
      assert.deepStrictEqual(removals(cloud), ["web-4.1", "web-3.1", "web-2.1", "web-1.1"]);
      assert.deepStrictEqual(living(cloud, "site"), ["web-1.2", "web-2.2", "web-3.2", "web-4.2"]);
      assert.strictEqual(fewest(), 3);
      assert.isTrue(isIdle(done));
      assert.deepInclude(done.left[0]!.rollout, { phase: "Succeeded", total: 4, done: 4, left: 0 });
      const before = cloud.mutations().length;
      const again = yield* turn(cloud, store, restarted(4, "r1"));
      assert.strictEqual(cloud.mutations().length, before);
      assert.deepStrictEqual(again.outcomes, []);
      assert.strictEqual(again.lease, null);
    }),
  );

  it.effect("asks nothing by being absent, and nothing of who was launched under it", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(2);
      yield* turn(cloud, store, restarted(2, "r1"));
      const before = cloud.mutations().length;
      yield* turn(cloud, store, restarted(2, undefined));
      assert.strictEqual(cloud.mutations().length, before);
      yield* turn(cloud, store, restarted(3, "r1"));
      assert.strictEqual(cloud.mutations().length, before + 1);
    }),
  );

  it.effect("launches first where a surge is allowed: none is ever missing", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(3);
      const { handler, fewest } = watchFewest(cloud);
      const done = yield* turn(cloud, store, restarted(3, "r1", { replace: surging }), handler);
      assert.strictEqual(fewest(), 3);
      assert.lengthOf(living(cloud, "site"), 3);
      assert.isTrue(
        cloud.machines().every(({ phase, restart }) => phase === "gone" || restart === "r1"),
      );
      assert.isTrue(isIdle(done));
    }),
  );

  it.effect("waits between two stages as long as it is told, and says until when", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(3);
      const slow = restarted(3, "r1", { replace: { ...serial, pauseMillis: 600_000 } });
      const first = yield* turn(cloud, store, slow);
      assert.lengthOf(removals(cloud), 1);
      const dueAt = (yield* turn(cloud, store, slow)).left[0]!.nextDueAt;
      assert.isNotNull(dueAt);
      assert.strictEqual(first.left[0]!.rollout?.stagePhase, "Waiting");
      yield* TestClock.setTime(Date.parse(dueAt) - 1_000);
      yield* fakeTurn({ cloud, store, documents: [slow] });
      assert.lengthOf(removals(cloud), 1);
      yield* TestClock.setTime(Date.parse(dueAt));
      yield* turn(cloud, store, slow);
      assert.lengthOf(removals(cloud), 2);
    }),
  );

  it.effect("goes no further than one that is not well, or of which nothing is known", () =>
    Effect.gen(function* () {
      for (const verdict of ["fail", "unknown"] as const) {
        const { cloud, store } = yield* start(3);
        const document = restarted(3, "r1", { patienceMillis: 60_000 });
        const health = {
          ...cloud.handler,
          create: (request: Parameters<Handler["create"]>[0]) =>
            Effect.tap(cloud.handler.create(request), ({ id }) =>
              Effect.sync(() => cloud.faults.health.set(id, { verdict, text: "port 80: refused" })),
            ),
        };
        yield* turn(cloud, store, document, health);
        assert.lengthOf(removals(cloud), 1);
        const early = yield* turn(cloud, store, document, health);
        assert.deepStrictEqual(early.left[0]!.refusals, []);
        yield* TestClock.adjust("2 minutes");
        const late = yield* turn(cloud, store, document, health);
        assert.strictEqual(late.left[0]!.refusals[0]?.reason.code, "NotWell");
        assert.lengthOf(removals(cloud), 1);
        for (const { id } of cloud.machines()) cloud.faults.health.delete(id);
        yield* turn(cloud, store, document);
        assert.lengthOf(removals(cloud), 3);
      }
    }),
  );

  it.effect("replaces first who is not well: that one is missing already", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(3);
      const oldest = cloud.machines()[0]!.id;
      const document = restarted(3, "r1", {
        patienceMillis: 60_000,
        replace: { ...serial, maxUnavailable: 1 },
      });
      cloud.faults.health.set(oldest, { verdict: "fail", text: "503" });
      const { handler, fewest } = watchFewest(cloud);
      yield* turn(cloud, store, document, handler);
      assert.strictEqual(removals(cloud)[0], "web-1.1");
      assert.strictEqual(fewest(), 2);
      assert.lengthOf(removals(cloud), 3);
    }),
  );

  it.effect("does not wait for ever for one that became unwell meanwhile", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(3);
      const document = restarted(3, "r1", { patienceMillis: 60_000 });
      const oldest = cloud.machines()[0]!.id;
      const sickened = {
        ...cloud.handler,
        look: () => {
          cloud.faults.health.set(oldest, { verdict: "fail", text: "503" });
          return Effect.fail(
            new ProviderError({ reason: "Denied", operation: "look", message: "no" }),
          );
        },
      };
      yield* turn(cloud, store, document, sickened);
      assert.deepStrictEqual(removals(cloud), []);
      const { handler, fewest } = watchFewest(cloud);
      yield* turn(cloud, store, document, handler);
      assert.deepStrictEqual(removals(cloud), ["web-1.1", "web-3.1", "web-2.1"]);
      assert.strictEqual(fewest(), 2);
    }),
  );

  it.effect("removes nobody while nobody could be launched instead", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(2);
      cloud.faults.blocked.set("site", {
        reason: "Invalid",
        message: "no image",
        remedy: "name one",
      });
      yield* turn(cloud, store, restarted(2, "r1"));
      assert.deepStrictEqual(removals(cloud), []);
    }),
  );

  it.effect("counts who waits for adoption, and leaves it alone", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(2);
      cloud.plant({ document: "site", displayName: "nobody's" });
      const { handler, fewest } = watchFewest(cloud);
      const done = yield* turn(cloud, store, restarted(3, "r1"), handler);
      assert.lengthOf(removals(cloud), 2);
      assert.strictEqual(fewest(), 1);
      assert.deepInclude(done.left[0]!.rollout, { phase: "Succeeded" });
      assert.lengthOf(living(cloud, "site"), 3);
    }),
  );

  it.effect("stops at the first that finds no room", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(3);
      cloud.faults.full.add("place-1");
      for (let tick = 0; tick < 3; tick += 1) yield* turn(cloud, store, restarted(3, "r1"));
      assert.deepStrictEqual(removals(cloud), ["web-3.1"]);
      cloud.faults.full.clear();
      yield* turn(cloud, store, restarted(3, "r1"));
      assert.lengthOf(removals(cloud), 3);
      assert.lengthOf(living(cloud, "site"), 3);
    }),
  );
});

describe("whatever is changed at any step of a restart", () => {
  const commits: ReadonlyArray<readonly [string, FakeDocument, ReadonlyArray<string> | number]> = [
    ["another token", restarted(3, "r2"), 3],
    ["the token is taken back", restarted(3, undefined), 3],
    ["more are asked for", restarted(5, "r1"), 5],
    ["fewer are asked for", restarted(1, "r1"), 1],
    ["none are asked for", restarted(0, "r1"), 0],
    ["with a surge from here on", restarted(3, "r1", { replace: surging }), 3],
  ];
  /** A turn of so many rounds, as if something cut it short there. */
  const cutShort = (cloud: FakeCloud, store: StoreShape, rounds: number) =>
    whileTimePasses(
      fakeTurn({ cloud, store, documents: [restarted(3, "r1")], input: { rounds } }),
      "500 millis",
    );

  for (const [name, next, expected] of commits) {
    it.effect(name, () =>
      Effect.gen(function* () {
        for (let rounds = 1; rounds <= 6; rounds += 1) {
          const { cloud, store } = yield* start(3);
          yield* cutShort(cloud, store, rounds);
          const { handler, fewest } = watchFewest(cloud);
          const done = yield* turn(cloud, store, next, handler);
          assert.lengthOf(living(cloud, "site"), expected as number);
          assert.deepStrictEqual(launchedTwice(cloud), []);
          assert.isTrue(isIdle(done), `${name} after ${rounds} rounds`);
          if (expected === 3) assert.isAtLeast(fewest(), 2);
          const { restart } = next.spec;
          if (restart === undefined) continue;
          const alive = cloud.machines().filter(({ phase }) => phase !== "gone");
          assert.isTrue(alive.every((machine) => machine.restart === restart));
        }
      }),
    );
  }

  it.effect("who awaits replacement goes first when fewer are asked for", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(3);
      yield* cutShort(cloud, store, 2);
      assert.deepStrictEqual(living(cloud, "site"), ["web-1.1", "web-2.1", "web-3.2"]);
      yield* turn(cloud, store, restarted(1, "r1"));
      assert.deepStrictEqual(living(cloud, "site"), ["web-3.2"]);
    }),
  );

  it.effect("what a surge left behind goes, however much it is", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(3);
      const wide = restarted(3, "r1", { replace: { ...surging, maxSurge: 3 } });
      yield* whileTimePasses(
        fakeTurn({ cloud, store, documents: [wide], input: { rounds: 1 } }),
        "500 millis",
      );
      assert.lengthOf(living(cloud, "site"), 6);
      const back = yield* turn(
        cloud,
        store,
        restarted(
          3,
          undefined,
          wide.spec.replace === undefined ? {} : { replace: wide.spec.replace },
        ),
      );
      assert.lengthOf(living(cloud, "site"), 3);
      assert.deepStrictEqual(back.left[0]!.refusals, []);
    }),
  );

  it.effect("the numbers stand for as many as before all the while", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(3);
      const counts: Array<number> = [];
      const watched: StoreShape = {
        ...store,
        commit: (batch) => {
          for (const put of batch.puts ?? []) if (put._tag === "Applied") counts.push(put.count);
          return store.commit(batch);
        },
      };
      yield* turn(cloud, watched, restarted(3, "r1"));
      assert.lengthOf(removals(cloud), 3);
      assert.deepStrictEqual(counts, []);
    }),
  );

  it.effect("and back again: those that have the former token stay", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(3);
      yield* turn(cloud, store, restarted(3, "r1"));
      yield* whileTimePasses(
        fakeTurn({ cloud, store, documents: [restarted(3, "r2")], input: { rounds: 2 } }),
        "500 millis",
      );
      const before = removals(cloud).length;
      yield* turn(cloud, store, restarted(3, "r1"));
      assert.strictEqual(removals(cloud).length, before + 1);
    }),
  );
});

describe("killed at any point of a restart", () => {
  const journey = (replace: FakeSpec["replace"] & {}) => ({
    name: "restart",
    steps: [
      { documents: [restarted(3, undefined)] },
      { documents: [restarted(3, "r1", { replace })] },
      { documents: [restarted(2, "r2", { replace })] },
    ],
  });
  for (const [policy, replace] of [
    ["one after the other", serial],
    ["with a surge", surging],
  ] as const) {
    for (const [successor, crash] of [
      ["the same store", { store: "same", listLagMillis: 0 }],
      ["the same store, a list that lags 90 s", { store: "same", listLagMillis: 90_000 }],
      ["an empty store, a list that lags 30 s", { store: "empty", listLagMillis: 30_000 }],
    ] as const) {
      it.effect(
        `${policy}, ${successor}`,
        () =>
          Effect.gen(function* () {
            const whole = yield* survive(journey(replace), crash);
            assert.deepStrictEqual(whole.faults, []);
            assert.isAbove(whole.labels.length, 40);
            for (let at = 1; at <= whole.labels.length; at += 1) {
              const survival = yield* survive(journey(replace), { ...crash, at });
              const where = `point ${at} (${survival.died})`;
              assert.deepStrictEqual(survival.faults, [], where);
              assert.deepStrictEqual(launchedTwice(survival.cloud), [], where);
              const alive = survival.cloud.machines().filter(({ phase }) => phase !== "gone");
              assert.deepStrictEqual(
                alive.map(({ restart }) => restart),
                ["r2", "r2"],
                where,
              );
            }
          }),
        120_000,
      );
    }
  }
});

const ask = (store: StoreShape, createdUntil: string) =>
  store.commit({
    owner: "us",
    puts: [
      {
        _tag: "Restart",
        document: { kind: "FakeFleet", name: "site" },
        createdUntil,
        by: "ann",
        reason: "new kernel",
        at: "2026-05-01T13:00:00.000Z",
      },
    ],
  });

describe("a restart that a person asks for", () => {
  it.effect("replaces what was there, once, and is spent then", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(3);
      const newest = cloud
        .machines()
        .map(({ createdAt }) => createdAt)
        .sort()
        .at(-1)!;
      yield* ask(store, newest);
      const { handler, fewest } = watchFewest(cloud);
      const done = yield* turn(cloud, store, restarted(3, undefined), handler);
      assert.strictEqual(fewest(), 2);
      assert.lengthOf(removals(cloud), 3);
      assert.match(done.outcomes[0]!.change.reason.text, /ann asked to restart: new kernel/u);
      const records = yield* store.load("us");
      assert.isFalse(records.some(({ _tag }) => _tag === "Restart"));
      yield* turn(cloud, store, restarted(3, undefined));
      assert.lengthOf(removals(cloud), 3);
    }),
  );
});

describe("a person's wish that cannot be followed for now", () => {
  it.effect("waits while another owner's member stops the fleet", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(2);
      const newest = cloud.machines().map(({ createdAt }) => createdAt);
      yield* ask(store, newest.toSorted().at(-1)!);
      const stranger = cloud.plant({ document: "site", owner: "them" });
      yield* turn(cloud, store, restarted(2, undefined));
      assert.deepStrictEqual(removals(cloud), []);
      cloud.setPhase(stranger.id, "gone");
      yield* turn(cloud, store, restarted(2, undefined));
      assert.lengthOf(removals(cloud), 2);
    }),
  );
});

describe("another template", () => {
  it.effect("is shown, and replaced only where the document says Rolling", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(3);
      const shown = yield* turn(cloud, store, restarted(3, undefined, { template: "two" }));
      assert.deepStrictEqual(removals(cloud), []);
      assert.lengthOf(shown.left[0]!.drift, 3);
      const rolling = { replace: { ...serial, onDrift: true }, template: "two" };
      const done = yield* turn(cloud, store, restarted(3, undefined, rolling));
      assert.lengthOf(removals(cloud), 3);
      assert.deepStrictEqual(done.left[0]!.drift, []);
      yield* turn(cloud, store, restarted(3, undefined, { ...rolling, template: "one" }));
      assert.lengthOf(removals(cloud), 6);
    }),
  );
});

describe("the plan of a restart", () => {
  it.effect.prop(
    "is told by the inputs alone, in any order",
    {
      count: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })),
      maxSurge: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 })),
      maxUnavailable: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
      rounds: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
    },
    ({ count, maxSurge, maxUnavailable, rounds }) =>
      Effect.gen(function* () {
        if (maxSurge + maxUnavailable === 0) return;
        const { cloud, store } = yield* start(4);
        const document = restarted(count, "r1", {
          replace: { ...serial, maxSurge, maxUnavailable },
        });
        yield* fakeTurn({ cloud, store, documents: [document], input: { rounds } });
        const planned = (handler?: Handler) =>
          Effect.map(
            fakeTurn({
              cloud,
              store,
              documents: [document],
              mode: "plan",
              ...(handler === undefined ? {} : { handler }),
            }),
            ({ plans }) => JSON.stringify(plans),
          );
        const first = yield* planned();
        const turned = yield* planned({
          ...cloud.handler,
          observe: (requests) =>
            Effect.map(cloud.handler.observe(requests), (all) =>
              all.map((one) =>
                one.complete ? { ...one, members: one.members.toReversed() } : one,
              ),
            ),
        });
        assert.strictEqual(turned, first);
        yield* TestClock.adjust("17 seconds");
        assert.strictEqual(yield* planned(), first);
        const settled = yield* settleDown(cloud, store, [document]);
        assert.deepStrictEqual(settled.faults, []);
        assert.lengthOf(living(cloud, "site"), count);
      }).pipe(Effect.orDie),
  );
});
