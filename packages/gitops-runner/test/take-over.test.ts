// Law 7: two runners of one environment, one of which dies, freezes or goes, again and again.

import { assert, describe, it } from "@effect/vitest";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { join } from "node:path";
import { verifyChain } from "@muster/core/words/audit";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import type { DocumentStatus } from "@muster/core/words/status";
import { type FakeCloud, makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";
import { fakePace } from "@muster/testkit/fleet/turn";
import { ownerOf } from "../src/url.ts";
import { type Body, gitOf, handlerOf, makeBody, storeOf } from "./bodies.ts";
import { documentOf, interval, type Looping, startLoop, watched } from "./looping.ts";
import { gitLayer, makeSandbox, type Sandbox } from "./sandbox.ts";

const statusRef = "refs/heads/muster/status/default";
/** Each sort at night; in CI the sorts take turns. */
const rounds = 20;
const everyRound = process.env["MUSTER_EVERY_POINT"] === "1";
const sorts = ["dies", "freezes", "goes"] as const;
const launchMillis = 8_000;

interface Runner {
  readonly body: Body;
  readonly looping: Looping;
}

interface World {
  readonly box: Sandbox;
  readonly cloud: FakeCloud;
  /** The store of the first and of the second runner: one, or one each. */
  readonly stores: readonly [StoreShape, StoreShape];
  readonly buried: Array<Body>;
}

const openWorld = Effect.fnUntraced(function* (shared: boolean) {
  const box = yield* makeSandbox;
  const cloud = makeFakeCloud();
  cloud.faults.launchMillis = launchMillis;
  cloud.faults.listLagMillis = 6_000;
  const first = makeMemoryStore();
  const world: World = {
    box,
    cloud,
    stores: [first, shared ? first : makeMemoryStore()],
    buried: [],
  };
  yield* Effect.addFinalizer(() => Effect.forEach(world.buried, ({ bury }) => bury));
  return world;
});

const start = Effect.fnUntraced(function* (world: World, which: 0 | 1) {
  const body = makeBody();
  world.buried.push(body);
  const looping = yield* startLoop({
    box: world.box,
    cloud: world.cloud,
    store: storeOf(body, world.stores[which]),
    holder: `runner-${which}`,
    cache: join(world.box.folder, `cache-${which}`),
    detached: true,
    run: {
      plugins: [fakePlugin({ ...world.cloud, handler: handlerOf(body, world.cloud.handler) })],
      pace: { ...fakePace, pollMaxMillis: 3_000 },
    },
  }).pipe(
    Effect.provide(gitOf(body)),
    Effect.provideService(Clock.Clock, body.clock(yield* Clock.Clock)),
  );
  return { body, looping } satisfies Runner;
});

const alive = ({ cloud }: World) =>
  cloud.machines().filter(({ phase }) => phase === "running" || phase === "starting");

const said = ({ box }: World): DocumentStatus | null => {
  try {
    return JSON.parse(
      box.inRemote("", "show", `${statusRef}:FakeFleet.site.status.json`),
    ) as DocumentStatus;
  } catch {
    return null;
  }
};

const isSaid = (world: World, count: number): boolean => {
  const status = said(world);
  return (
    status?.counts[0]?.asked === count &&
    status.conditions.find(({ type }) => type === "Ready")?.status === "True"
  );
};

/** A small linear congruential generator: the same rounds on every machine. */
const dice = (seed: number) => {
  let state = seed;
  return (sides: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % sides;
  };
};

/** Until the world is as asked and git says so, whoever does it; the living are told by `looping`. */
const converge = Effect.fnUntraced(function* (world: World, looping: Looping, count: number) {
  for (let waited = 0; waited < 900_000; waited += 9_000) {
    if (alive(world).length === count && isSaid(world, count)) return;
    yield* looping.pass(9_000);
  }
  assert.fail(
    `no end: ${alive(world).length} of ${count}; ${JSON.stringify(said(world)?.conditions)}`,
  );
});

/** A store that never saw a number raised takes its fall for nobody's word, and rightly stops. */
const untilKnown = Effect.fnUntraced(function* (world: World, looping: Looping, count: number) {
  const owner = ownerOf(world.box.repository, "default");
  const key = "Applied/FakeFleet/site/web";
  for (let waited = 0; waited < 600_000; waited += 9_000) {
    const known = yield* Effect.forEach(world.stores, (store) => store.record(owner, key));
    if (known.every((record) => record?._tag === "Applied" && record.count === count)) return;
    yield* looping.pass(9_000);
  }
  assert.fail(`a store never came to know that ${count} are asked for`);
});

const expectWhole = Effect.fnUntraced(function* (world: World) {
  const { box, cloud, stores } = world;
  const created = cloud.mutations().filter(({ operation }) => operation === "create");
  assert.strictEqual(new Set(created.map(({ token }) => token)).size, created.length);
  const names = alive(world).map(({ name }) => JSON.stringify(name));
  assert.strictEqual(new Set(names).size, names.length, "no member twice");
  const history = box.inRemote("", "rev-list", "--parents", statusRef).split("\n");
  assert.isTrue(
    history.every((line) => line.split(" ").length <= 2),
    "linear",
  );
  for (const store of new Set(stores)) {
    const entries = yield* store.auditEntries(0, 100_000);
    assert.isUndefined(verifyChain(entries));
  }
});

const sweep = Effect.fnUntraced(function* (
  shared: boolean,
  plan: ReadonlyArray<(typeof sorts)[number]>,
) {
  const world = yield* openWorld(shared);
  const roll = dice(shared ? 7 : 11);
  const runners: [Runner, Runner] = [yield* start(world, 0), yield* start(world, 1)];
  let hit = 0;
  for (const [round, sort] of plan.entries()) {
    const count = [3, 5, 2, 6, 1][round % 5]!;
    const victim = (round % 2) as 0 | 1;
    const other = victim === 0 ? 1 : 0;
    const { body, looping } = runners[victim];
    if (sort === "goes") yield* looping.askToStop;
    else body.at(1 + roll(90), sort);
    world.box.commit({ "site.json": documentOf(count, "site", 2) });
    world.box.pushMain();
    yield* converge(world, runners[other].looping, count);
    if (body.state() !== "lives") hit += 1;
    if (body.state() === "frozen") {
      // What it had begun comes late now, and must change nothing.
      yield* body.thaw;
      yield* runners[other].looping.pass(3 * interval);
      yield* converge(world, runners[other].looping, count);
    } else if (body.state() === "dead" || sort === "goes") {
      runners[victim] = yield* start(world, victim);
    } else {
      body.at(Number.POSITIVE_INFINITY, "dies");
    }
    yield* untilKnown(world, runners[other].looping, count);
    yield* expectWhole(world);
  }
  for (const { looping } of runners) yield* looping.askToStop;
  yield* runners[0].looping.pass(30_000);
  return hit;
});

const describeSweep = (name: string, shared: boolean): void => {
  it.effect(
    name,
    () =>
      Effect.gen(function* () {
        const plan = everyRound
          ? sorts.flatMap((sort) => Array.from({ length: rounds }, () => sort))
          : Array.from({ length: rounds }, (_, round) => sorts[round % 3]!);
        const hit = yield* sweep(shared, plan);
        // Most of the rounds that mean to kill or freeze find the runner at work.
        assert.isAtLeast(hit, plan.filter((sort) => sort !== "goes").length / 3);
      }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
    everyRound ? 1_800_000 : 300_000,
  );
};

describe("law 7: take-over", () => {
  it.effect("a removal that comes late removes nothing that is asked for again", () =>
    Effect.gen(function* () {
      const world = yield* openWorld(true);
      const ask = (count: number): void => {
        world.box.commit({ "site.json": documentOf(count, "site", 2) });
        world.box.pushMain();
      };
      ask(3);
      const first = yield* start(world, 0);
      yield* converge(world, first.looping, 3);
      first.body.freezeAtLook();
      ask(1);
      for (let waited = 0; first.body.state() === "lives" && waited < 20; waited += 1) {
        yield* first.looping.pass(9_000);
      }
      assert.strictEqual(first.body.state(), "frozen");
      ask(3);
      const second = yield* start(world, 1);
      yield* converge(world, second.looping, 3);
      // Others may have been removed before; these three are asked for now, and stay.
      const standing = alive(world).map(({ id }) => id);
      yield* second.looping.pass(5 * interval);
      yield* first.body.thaw;
      yield* second.looping.pass(5 * interval);
      assert.deepStrictEqual(
        alive(world).map(({ id }) => id),
        standing,
      );
      for (const { looping } of [first, second]) yield* looping.askToStop;
      yield* second.looping.pass(30_000);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  describeSweep("on a shared store", true);
  describeSweep("on separate stores, with a list that lags", false);
});
