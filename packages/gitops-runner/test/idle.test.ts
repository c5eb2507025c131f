// A converged loop, a thousand ticks long: it looks, and does nothing else, and holds no more at the end.

import * as v8 from "node:v8";
import * as vm from "node:vm";
import { assert, describe, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Queue from "effect/Queue";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore } from "@muster/core/store/memory";
import { Store, type StoreShape } from "@muster/core/store/store";
import { makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";
import { fakePace } from "@muster/testkit/fleet/turn";
import { Git, type GitRequest } from "../src/git.ts";
import type { LoopEvent } from "../src/loop-event.ts";
import { runLoop } from "../src/loop.ts";
import { ownerOf } from "../src/url.ts";
import { documentOf, interval } from "./looping.ts";
import { gitLayer, makeSandbox } from "./sandbox.ts";

const ticks = 1_000;
/** So many that something kept of each at every tick would show. */
const documents = 30;
/** By then all code was compiled that will be. */
const warmUp = 600;
/** Bytes that a tick may leave behind for ever: what is counted, not what is kept. */
const slopeLimit = 1_000;

v8.setFlagsFromString("--expose-gc");
const sweepHeap = vm.runInNewContext("gc") as () => void;

const heapAfterSweep = (): number => {
  sweepHeap();
  return process.memoryUsage().heapUsed;
};

/** Least squares: bytes a tick. */
const slopeOf = (points: ReadonlyArray<readonly [tick: number, bytes: number]>): number => {
  const mean = (values: ReadonlyArray<number>) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([tick]) => tick)), mean(points.map(([, bytes]) => bytes))];
  const over = points.reduce((sum, [tick, bytes]) => sum + (tick - x) * (bytes - y), 0);
  return over / points.reduce((sum, [tick]) => sum + (tick - x) ** 2, 0);
};

const counting = (store: StoreShape) => {
  const writes = { commits: 0, claims: 0 };
  const counted: StoreShape = {
    ...store,
    commit: (batch) => {
      writes.commits += 1;
      return store.commit(batch);
    },
    claimLease: (claim) => {
      writes.claims += 1;
      return store.claimLease(claim);
    },
  };
  return { store: counted, writes };
};

const remote = { listings: 0, others: 0 };

/** Counts what reaches out, and keeps nothing of it. */
const countingLayer = Layer.effect(
  Git,
  Effect.map(Git, (git) => ({
    ...git,
    run: (request: GitRequest) => {
      if (request.operation === "ls-remote") remote.listings += 1;
      else if (request.reach !== undefined) remote.others += 1;
      return git.run(request);
    },
  })),
).pipe(Layer.provide(gitLayer));

describe("law 2: a converged loop", () => {
  it.effect(
    `writes and pushes nothing for ${ticks} ticks, with one listing and one list each`,
    () =>
      Effect.gen(function* () {
        const box = yield* makeSandbox;
        const cloud = makeFakeCloud();
        const { observe } = cloud.handler;
        let lists = 0;
        let counted = 0;
        Object.assign(cloud.handler, {
          observe: (requests: Parameters<typeof observe>[0]) => {
            lists += 1;
            return observe(requests);
          },
        });
        const { store, writes } = counting(makeMemoryStore());
        const names = Array.from({ length: documents }, (_, index) => `fleet-${index}`);
        box.commit(Object.fromEntries(names.map((name) => [`${name}.json`, documentOf(1, name)])));
        box.pushMain();
        const ticked = yield* Queue.unbounded<boolean>();
        const published = yield* Deferred.make<void>();
        const stop = yield* Deferred.make<void>();
        const onLoop = (event: LoopEvent): Effect.Effect<unknown> => {
          if (event.type === "ticked") {
            counted += 1;
            return Queue.offer(ticked, event.ticked.news);
          }
          return event.type === "published" ? Deferred.succeed(published, undefined) : Effect.void;
        };
        const loop = yield* runLoop(
          {
            settle: Effect.succeed({
              repository: box.repository,
              branch: "main",
              path: ".",
              environment: "default",
              owner: ownerOf(box.repository, "default"),
              cache: box.cache,
              plugins: [fakePlugin(cloud)],
              signers: null,
              holder: "tester",
              pace: fakePace,
            }),
            intervalMillis: interval,
            onLoop: (event) => Effect.asVoid(onLoop(event)),
          },
          { reload: yield* Queue.unbounded<void>(), stop },
        ).pipe(Effect.provideService(Store, store), Effect.forkScoped);
        yield* Deferred.await(published);
        yield* Queue.take(ticked);
        const tick = Effect.andThen(TestClock.adjust(1.1 * interval + 1), Queue.take(ticked));
        yield* tick;

        const refs = box.git("ls-remote", "origin");
        const before = { ...writes, mutations: cloud.mutations().length };
        Object.assign(remote, { listings: 0, others: 0 });
        lists = 0;
        counted = 0;
        const heap: Array<readonly [number, number]> = [];
        for (let at = 1; at <= ticks; at += 1) {
          assert.isFalse(yield* tick);
          if (at >= warmUp && at % 25 === 0) heap.push([at, heapAfterSweep()]);
        }
        yield* Deferred.succeed(stop, undefined);
        yield* Fiber.join(loop);
        assert.deepStrictEqual({ ...writes, mutations: cloud.mutations().length }, before);
        assert.strictEqual(box.git("ls-remote", "origin"), refs);
        assert.isAtLeast(counted, ticks);
        // The stop may have cut one tick short.
        assert.include([counted, counted + 1], remote.listings);
        assert.include([counted, counted + 1], lists);
        assert.strictEqual(remote.others, 0);
        assert.isAtMost(slopeOf(heap), slopeLimit);
      }).pipe(Effect.scoped, Effect.provide(countingLayer)),
    240_000,
  );
});
