// What muster costs, in counts that no machine changes: requests, lists, commits, launches in flight.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { defaultPace, makeMemoryStore, Store, type StoreShape } from "@muster/core";
import { oci, type OciOptions } from "@muster/provider-oci";
import { apply, plan } from "@muster/sdk";
import { openSqliteStore } from "@muster/store-sql";
import { makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { whileTimePasses } from "@muster/testkit/fleet/passing-time";
import { sharedTime } from "@muster/testkit/oci/shared-time";
import { fakeTurn } from "@muster/testkit/fleet/turn";
import {
  type OciSimulator,
  type OciSimulatorOptions,
  startOciSimulator,
  virtualClock,
  writeAccount,
} from "@muster/testkit/oci/index";

const launchDelayMs = 500;
const owner = "us";

interface World {
  readonly simulator: OciSimulator;
  readonly configFile: string;
  readonly store: CountedStore;
}

interface CountedStore extends StoreShape {
  /** Transactions that were asked for, whatever came of them. */
  readonly counts: { commits: number; claims: number };
}

/** The simulator's time moves with each request only, so that counts do not depend on the machine. */
const makeWorld = (options: OciSimulatorOptions = {}) =>
  Effect.gen(function* () {
    const simulator = yield* startOciSimulator({
      clock: virtualClock({ advancePerRequestMs: 20 }),
      launchDelayMs,
      ...options,
    });
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "muster-counts-"))),
      (made) => Effect.promise(() => rm(made, { recursive: true, force: true })),
    );
    const { configFile } = yield* Effect.promise(() =>
      writeAccount(folder, simulator.accounts[0]!),
    );
    const store = counted(yield* openSqliteStore({ path: join(folder, "store.db") }));
    const world: World = { simulator, configFile, store };
    return world;
  });

const counted = (store: StoreShape): CountedStore => {
  const counts = { commits: 0, claims: 0 };
  return {
    ...store,
    counts,
    commit: (batch) =>
      Effect.suspend(() => {
        counts.commits += 1;
        return store.commit(batch);
      }),
    claimLease: (claim) =>
      Effect.suspend(() => {
        counts.claims += 1;
        return store.claimLease(claim);
      }),
  };
};

interface Asked {
  readonly documents: number;
  /** Members of each document. */
  readonly count: number;
  readonly parallel: number;
}

const sourcesOf = ({ simulator, configFile }: World, asked: Asked) => [
  {
    file: "fleets.json",
    text: JSON.stringify(
      Array.from({ length: asked.documents }, (_, index) => ({
        kind: "FleetConfig",
        metadata: { name: `fleet-${index}` },
        spec: {
          compartmentId: simulator.compartmentId,
          imageId: simulator.imageId,
          subnetId: simulator.subnetId,
          availabilityDomain: "AD-1",
          shape: "VM.Standard.E4.Flex",
          shapeConfig: { ocpus: 1, memoryInGBs: 16 },
          scaling: { parallelLaunch: asked.parallel },
          auth: { method: "user", configFile },
          instances: [{ name: "web", count: asked.count }],
        },
      })),
    ),
  },
];

const pluginOf = ({ simulator }: World, options: OciOptions = {}) =>
  oci({ endpoint: simulator.endpoint, env: {}, allowDocumentCredentials: true, ...options });

const turn = (world: World, verb: typeof apply, asked: Asked) =>
  verb({
    plugins: [pluginOf(world)],
    sources: sourcesOf(world, asked),
    owner,
    pace: { pollMillis: 10, pollMaxMillis: 50 },
  }).pipe(Effect.provideService(Store, world.store));

const requestsOf = ({ simulator }: World, operation: string): number =>
  simulator.requests().filter((entry) => entry.operation === operation).length;

/** The most launches that were accepted and did not run yet, at any moment of the simulator's time. */
const peakInFlight = ({ simulator }: World): number => {
  const steps = simulator
    .journal()
    .filter((entry) => entry.operation === "LaunchInstance")
    .flatMap(({ at }) => [
      { at, step: 1 },
      { at: at + launchDelayMs, step: -1 },
    ])
    // What ends at a moment ends before what begins at it.
    .sort((a, b) => a.at - b.at || a.step - b.step);
  let inFlight = 0;
  return steps.reduce((peak, { step }) => Math.max(peak, (inFlight += step)), 0);
};

const inWorld = <A, E>(test: (world: World) => Effect.Effect<A, E, Scope.Scope>) =>
  Effect.scoped(Effect.flatMap(makeWorld(), test));

describe("scaling one fleet", () => {
  it.live("costs few requests and few commits a launch, and never more at once than asked", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const asked = { documents: 1, count: 40, parallel: 20 };
        const { outcomes } = yield* turn(world, apply, asked);
        assert.strictEqual(outcomes.filter(({ result }) => result === "done").length, 40);

        assert.strictEqual(requestsOf(world, "LaunchInstance"), 40);
        // The list tells all that wait: nobody is asked by itself.
        assert.strictEqual(requestsOf(world, "GetInstance"), 0);
        assert.strictEqual(requestsOf(world, "GetWorkRequest"), 0);
        assert.isAtMost(world.simulator.requests().length, 3 * 40);

        const peak = peakInFlight(world);
        assert.isAtMost(peak, 20);
        assert.isAbove(peak, 10);
        // Intent, identifier and outcome of each, were nobody to commit for others.
        assert.isBelow(world.store.counts.commits, 2 * 40);
      }),
    ),
  );
});

describe("scaling from 0 to 200 in virtual time, over HTTP", () => {
  // The first look alone is a quarter of two seconds.
  const given: ReadonlyArray<readonly [launchSeconds: number, overIdeal: number]> = [
    [2, 1.15],
    [45, 1.1],
    [240, 1.1],
  ];
  for (const [launchSeconds, overIdeal] of given) {
    it.effect(`of ${launchSeconds} s a launch costs three requests each at most`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const time = yield* sharedTime;
          const launchDelayMs = launchSeconds * 1_000;
          const world = yield* makeWorld({ clock: time.clock, launchDelayMs, pageSize: 1_000 });
          const began = yield* Clock.currentTimeMillis;
          const { outcomes } = yield* time.pass(
            apply({
              plugins: [time.watch(pluginOf(world))],
              sources: sourcesOf(world, { documents: 1, count: 200, parallel: 20 }),
              owner,
            }).pipe(Effect.provideService(Store, makeMemoryStore())),
          );
          const took = (yield* Clock.currentTimeMillis) - began;
          assert.strictEqual(outcomes.filter(({ result }) => result === "done").length, 200);
          assert.strictEqual(requestsOf(world, "LaunchInstance"), 200);
          assert.isAtMost(took, overIdeal * 10 * launchDelayMs);
          assert.isAtMost(world.simulator.requests().length, 3 * 200);
        }),
      ),
    );
  }
});

describe("the looks at running work", () => {
  const step = 5;
  /** Milliseconds between the last change of this sort and the lists after it, one by one. */
  const waitsAfter = ({ simulator }: World, change: string): ReadonlyArray<number> => {
    const requests = simulator.requests();
    const times = requests
      .slice(requests.findLastIndex(({ operation }) => operation === change))
      .filter(({ operation }) => operation === change || operation === "ListInstances")
      .map(({ at }) => at);
    return times.slice(1).map((at, index) => at - times[index]!);
  };
  /** Longer by a quarter of what has passed, up to ten times the first, and a tenth up or down. */
  const assertPaced = (waits: ReadonlyArray<number>, first: number) => {
    assert.isAtLeast(waits.length, 6);
    let elapsed = 0;
    const parts = waits.slice(0, 6).map((wait, index) => {
      const asked = Math.min(10 * first, first + elapsed / 4);
      assert.isAtLeast(wait, 0.9 * asked - 4 * step, `wait ${index} of ${waits.join(", ")}`);
      assert.isAtMost(wait, 1.1 * asked + 4 * step, `wait ${index} of ${waits.join(", ")}`);
      elapsed += wait;
      return wait / asked;
    });
    assert.isAbove(Math.max(...parts) - Math.min(...parts), 0.05, "nothing spreads them");
  };

  const env = { MUSTER_OCI_POLL: "200ms" };
  const given: ReadonlyArray<readonly [how: string, options: OciOptions, first: number]> = [
    ["by default", {}, 500],
    ["as MUSTER_OCI_POLL says", { env }, 200],
    ["as the option says before it", { env, pollMillis: 2_000 }, 2_000],
  ];
  for (const [how, options, first] of given) {
    it.effect(`are ever further apart, and jittered, ${how}`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const time = yield* sharedTime;
          const delays = { launchDelayMs: 60_000, terminateDelayMs: 60_000 };
          const world = yield* makeWorld({ clock: time.clock, ...delays });
          const scaleTo = (count: number) =>
            time.pass(
              apply({
                plugins: [time.watch(pluginOf(world, options))],
                sources: sourcesOf(world, { documents: 1, count, parallel: 1 }),
                owner,
              }).pipe(Effect.provideService(Store, world.store)),
              step,
            );
          yield* scaleTo(1);
          assertPaced(waitsAfter(world, "LaunchInstance"), first);
          yield* scaleTo(0);
          assertPaced(waitsAfter(world, "TerminateInstance"), first);
        }),
      ),
    );
  }
});

describe("a schedule in virtual time", () => {
  for (const launchMillis of [1_000, 45_000]) {
    it.effect(`of launches of ${launchMillis / 1_000} s loses little, and asks little`, () =>
      Effect.gen(function* () {
        const cloud = makeFakeCloud();
        cloud.faults.launchMillis = launchMillis;
        const spec = { parallel: 20, groups: [{ name: "web", count: 200 }] };
        const began = yield* Clock.currentTimeMillis;
        const { outcomes } = yield* whileTimePasses(
          fakeTurn({
            cloud,
            store: makeMemoryStore(),
            documents: [{ name: "site", spec }],
            input: { pace: defaultPace },
          }),
          launchMillis / 100,
        );
        const took = (yield* Clock.currentTimeMillis) - began;
        assert.strictEqual(outcomes.filter(({ result }) => result === "done").length, 200);
        assert.strictEqual(cloud.peak(), 20);
        assert.isAtMost(took, 1.1 * 10 * launchMillis);
        const looks = cloud.calls().filter(({ operation }) => operation === "created").length;
        assert.isAtMost(looks / 200, 4 + launchMillis / defaultPace.pollMaxMillis);
      }),
    );
  }
});

describe("fifty fleets in one compartment", () => {
  it.live("are looked at with one list", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const asked = { documents: 50, count: 1, parallel: 5 };
        const { plans } = yield* turn(world, plan, asked);
        assert.strictEqual(plans.length, 50);
        assert.isTrue(plans.every((one) => one.seen));
        const operations = world.simulator.requests().map(({ operation }) => operation);
        assert.deepStrictEqual(operations.toSorted(), [
          "GetImage",
          "GetSubnet",
          "ListAvailabilityDomains",
          "ListFaultDomains",
          "ListInstances",
        ]);
        assert.deepStrictEqual(world.store.counts, { commits: 0, claims: 0 });
      }),
    ),
  );
});

describe("a converged turn", () => {
  it.live("asks once what is there, and writes nothing anywhere", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const asked = { documents: 5, count: 3, parallel: 5 };
        yield* turn(world, apply, asked);
        const changes = world.simulator.journal().length;
        assert.strictEqual(changes, 15);
        const commits = world.store.counts.commits;
        const claims = world.store.counts.claims;
        const requests = world.simulator.requests().length;

        const { lease, outcomes } = yield* turn(world, apply, asked);

        const since = world.simulator.requests().slice(requests);
        assert.isTrue(since.every(({ method }) => method === "GET"));
        assert.strictEqual(
          since.filter(({ operation }) => operation === "ListInstances").length,
          1,
        );
        assert.strictEqual(world.simulator.journal().length, changes);
        assert.deepStrictEqual(world.store.counts, { commits, claims });
        assert.deepStrictEqual(outcomes, []);
        assert.isNull(lease);
      }),
    ),
  );
});
