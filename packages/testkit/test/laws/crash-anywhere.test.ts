// Law 3: killed between any two steps and started again, it converges; nothing twice, nothing lost.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore } from "@muster/core/store/memory";
import { ProviderError } from "@muster/core/words/provider";
import { makeFakeCloud, type FakeCloud } from "../../src/fleet/fake-cloud.ts";
import {
  type Crash,
  type Journey,
  launchedTwice,
  living,
  settleDown,
  survive,
} from "../../src/fleet/survival.ts";
import { whileTimePasses } from "../../src/fleet/passing-time.ts";
import { type FakeDocument, fakeTurn, fleetOf } from "../../src/fleet/turn.ts";

const kill = (name: string) => (cloud: FakeCloud) => {
  const machine = cloud
    .machines()
    .find((one) => one.name !== null && one.phase === "running" && labelOf(one.name) === name);
  if (machine !== undefined) cloud.setPhase(machine.id, "gone");
};
const labelOf = (name: { set: string; slot: number; generation: number }) =>
  `${name.set}-${name.slot}.${name.generation}`;

const renamed: FakeDocument = { ...fleetOf(3, "place"), previousName: "site" };
const regrouped: FakeDocument = {
  name: "site",
  spec: { groups: [{ name: "front", previousName: "web", count: 3 }] },
};

interface Expected extends Journey {
  readonly document: string;
  readonly alive: ReadonlyArray<string>;
  readonly launches: number;
}

const journeys: ReadonlyArray<Expected> = [
  {
    name: "3, 5, 2",
    steps: [3, 5, 2].map((count) => ({ documents: [fleetOf(count)] })),
    document: "site",
    alive: ["web-1.1", "web-2.1"],
    launches: 5,
  },
  {
    name: "a document is renamed and grows",
    steps: [{ documents: [fleetOf(2)] }, { documents: [renamed] }],
    document: "place",
    alive: ["web-1.1", "web-2.1", "web-3.1"],
    launches: 3,
  },
  {
    name: "a group is renamed and grows",
    steps: [{ documents: [fleetOf(2)] }, { documents: [regrouped] }],
    document: "site",
    alive: ["front-1.1", "front-2.1", "front-3.1"],
    launches: 3,
  },
  {
    name: "a member dies, and its replacement dies",
    steps: [
      { documents: [fleetOf(2)] },
      { documents: [fleetOf(2)], before: kill("web-1.1") },
      { documents: [fleetOf(2)], before: kill("web-1.2") },
    ],
    document: "site",
    alive: ["web-1.3", "web-2.1"],
    launches: 4,
  },
];

const successors: ReadonlyArray<{ readonly name: string; readonly crash: Omit<Crash, "at"> }> = [
  { name: "the same store", crash: { store: "same", listLagMillis: 0 } },
  {
    name: "the same store, a list that lags 90 s",
    crash: { store: "same", listLagMillis: 90_000 },
  },
  {
    name: "an empty store, a list that lags 30 s",
    crash: { store: "empty", listLagMillis: 30_000 },
  },
];

const plantStrangers = (journey: Expected): Journey => ({
  ...journey,
  steps: journey.steps.map((step, index) =>
    index > 0
      ? step
      : {
          ...step,
          before: (cloud) => {
            step.before?.(cloud);
            cloud.plant({ document: "elsewhere", owner: "them", displayName: "stranger" });
            cloud.plant({ document: "nobodys", displayName: "stranger" });
          },
        },
  ),
});

const strangersTouched = (cloud: FakeCloud) => {
  const strangers = cloud.machines().filter((one) => one.displayName === "stranger");
  assert.strictEqual(strangers.length, 2);
  return cloud.mutations().filter(({ id }) => strangers.some((stranger) => stranger.id === id));
};

describe("law 3: crash anywhere", () => {
  for (const journey of journeys) {
    for (const { name, crash } of successors) {
      it.effect(
        `${journey.name}: every point, then ${name}`,
        () =>
          Effect.gen(function* () {
            const route = plantStrangers(journey);
            const { labels } = yield* survive(route, crash);
            assert.isAbove(labels.length, 20);
            const wrong: Array<string> = [];
            for (let at = 1; at <= labels.length; at += 1) {
              const end = yield* survive(route, { ...crash, at });
              const say = (text: string) => wrong.push(`point ${at} (${end.died}): ${text}`);
              if (end.died !== labels[at - 1]) say(`the walk was another: ${labels[at - 1]}`);
              for (const fault of end.faults) say(fault);
              for (const twice of launchedTwice(end.cloud)) say(`${twice} was launched twice`);
              const alive = living(end.cloud, journey.document);
              if (alive.join() !== [...journey.alive].join()) say(`alive are ${alive.join()}`);
              const launches = end.cloud.mutations().filter((one) => one.operation === "create");
              if (launches.length !== journey.launches) say(`${launches.length} launches`);
              for (const { id } of strangersTouched(end.cloud)) say(`touched the stranger ${id}`);
            }
            assert.deepStrictEqual(wrong.slice(0, 12), []);
          }),
        60_000,
      );
    }
  }

  for (const journey of journeys) {
    for (const { name, crash } of successors.slice(0, 2)) {
      it.effect(
        `${journey.name}: every point, the next commit comes first, then ${name}`,
        () =>
          Effect.gen(function* () {
            const { labels } = yield* survive(journey, crash);
            const wrong: Array<string> = [];
            for (let at = 1; at <= labels.length; at += 1) {
              const end = yield* survive(journey, { ...crash, at, movesOn: true });
              const say = (text: string) => wrong.push(`point ${at} (${end.died}): ${text}`);
              for (const fault of end.faults) say(fault);
              for (const twice of launchedTwice(end.cloud)) say(`${twice} was launched twice`);
              const alive = living(end.cloud, journey.document);
              if (alive.length !== journey.alive.length) say(`alive are ${alive.join()}`);
              const launches = end.cloud.mutations().filter((one) => one.operation === "create");
              if (launches.length > journey.launches) say(`${launches.length} launches`);
            }
            assert.deepStrictEqual(wrong.slice(0, 12), []);
          }),
        60_000,
      );
    }
  }

  it.effect("an empty store walks through spent tokens to the next generation", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const documents = [fleetOf(2)];
      yield* settleDown(cloud, makeMemoryStore(), documents);
      kill("web-1.1")(cloud);
      yield* settleDown(cloud, makeMemoryStore(), documents);
      kill("web-1.2")(cloud);
      // What is long dead is in no list any more; only the token still knows.
      const observe = withoutTheDead(cloud);
      const store = makeMemoryStore();
      for (let turn = 0; turn < 4; turn += 1) {
        yield* fakeTurn({ cloud, store, documents, handler: observe });
        yield* TestClock.adjust("31 seconds");
      }
      assert.deepStrictEqual(living(cloud, "site"), ["web-1.3", "web-2.1"]);
      assert.deepStrictEqual(launchedTwice(cloud), []);
    }),
  );

  it.effect("an answer that never came is read back: launched once, known afterwards", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      cloud.faults.lost.set("create", 1_000);
      cloud.faults.listLagMillis = 5_000;
      const first = yield* whileTimePasses(fakeTurn({ cloud, store, documents: [fleetOf(2)] }));
      assert.deepStrictEqual(
        new Set(first.outcomes.map((one) => one.result)),
        new Set(["unknown"]),
      );
      cloud.faults.lost.set("create", 0);
      const { faults } = yield* settleDown(cloud, store, [fleetOf(2)]);
      assert.deepStrictEqual(faults, []);
      assert.deepStrictEqual(living(cloud, "site"), ["web-1.1", "web-2.1"]);
      assert.strictEqual(cloud.mutations().length, 2);
    }),
  );

  it.effect("a removal whose answer was lost is not told as one that did not happen", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      cloud.faults.lost.set("remove", 1);
      const turn = yield* whileTimePasses(fakeTurn({ cloud, store, documents: [fleetOf(1)] }));
      assert.deepStrictEqual(living(cloud, "site"), ["web-1.1"]);
      const told = turn.outcomes.filter((one) => one.change.action === "remove");
      assert.notInclude(
        told.map((one) => one.result),
        "stale",
        "it was removed, and the audit says that nothing was done",
      );
    }),
  );

  it.effect("a launch that may have happened stays unknown when a later try is refused", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      cloud.faults.lost.set("create", 1);
      const handler = {
        ...cloud.handler,
        create: (request: Parameters<typeof cloud.handler.create>[0]) =>
          Effect.suspend(() =>
            cloud.faults.lost.get("create") === 0
              ? Effect.fail(denied)
              : cloud.handler.create(request),
          ),
      };
      const turn = yield* whileTimePasses(
        fakeTurn({ cloud, store, documents: [fleetOf(1)], handler }),
      );
      assert.strictEqual(cloud.mutations().length, 1);
      assert.deepStrictEqual(
        turn.outcomes.map((one) => one.result),
        ["unknown"],
      );
    }),
  );

  it.effect(
    "a launch in flight keeps its place: another order of places launches nothing twice",
    () =>
      Effect.gen(function* () {
        const cloud = makeFakeCloud();
        const store = makeMemoryStore();
        cloud.faults.places = ["place-1", "place-2"];
        cloud.faults.lost.set("create", 1_000);
        cloud.faults.listLagMillis = 90_000;
        yield* whileTimePasses(fakeTurn({ cloud, store, documents: [fleetOf(1)] }));
        cloud.faults.lost.set("create", 0);
        cloud.faults.places = ["place-2", "place-1"];
        yield* settleDown(cloud, store, [fleetOf(1)]);
        assert.deepStrictEqual(launchedTwice(cloud), []);
      }),
  );
});

const denied = new ProviderError({ reason: "Denied", operation: "create", message: "no" });

const withoutTheDead = (cloud: FakeCloud) => ({
  ...cloud.handler,
  observe: (requests: Parameters<typeof cloud.handler.observe>[0]) =>
    Effect.map(cloud.handler.observe(requests), (seen) =>
      seen.map((one) =>
        one.complete
          ? { ...one, members: one.members.filter((member) => member.phase !== "gone") }
          : one,
      ),
    ),
});
