// A client and an Effect turn over one cloud in memory, whose time is the test's.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as TestClock from "effect/testing/TestClock";
import { layerMemory } from "@muster/core/store/memory";
import type { Store, StoreError } from "@muster/core/store/store";
import { type FakeCloud, makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";
import { fakePace } from "@muster/testkit/fleet/turn";
import type { MusterOptions, SourceText } from "../src/index.ts";

/** One fleet, `site`, with so many members in `web`. */
export const fleet = (count: number): ReadonlyArray<SourceText> => [
  {
    file: "fleet.json",
    text: JSON.stringify({
      kind: "FakeFleet",
      metadata: { name: "site" },
      spec: { groups: [{ name: "web", count }] },
    }),
  },
];

/** Two seconds long, so that a call can be met in the middle. */
export const slowCloud = (): FakeCloud => {
  const cloud = makeFakeCloud();
  cloud.faults.launchMillis = 2_000;
  return cloud;
};

export const turnOf = (cloud: FakeCloud) =>
  ({ plugins: [fakePlugin(cloud)], owner: "us", pace: fakePace }) as const;

/** A client that lives in the test's time. */
export const clientOf = (
  cloud: FakeCloud,
  store: Layer.Layer<Store, StoreError> = layerMemory,
): Effect.Effect<MusterOptions> =>
  Effect.map(Clock.Clock, (clock) => ({
    ...turnOf(cloud),
    store: Layer.merge(store, Layer.succeed(Clock.Clock, clock)),
  }));

/** How a promise ended, with the test's time running on until it does. */
export const ended = Effect.fnUntraced(function* <A>(
  promise: Promise<A>,
): Effect.fn.Return<PromiseSettledResult<A>> {
  const fiber = yield* Effect.forkChild(
    Effect.promise(async () => (await Promise.allSettled([promise]))[0]),
  );
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis");
  return yield* Fiber.join(fiber);
});

/** The value of a promise that must be kept. */
export const kept = <A>(promise: Promise<A>): Effect.Effect<A> =>
  Effect.map(ended(promise), (end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });

/** What a promise that must not be kept was rejected with. */
export const rejected = (promise: Promise<unknown>): Effect.Effect<unknown> =>
  Effect.map(ended(promise), (end) => {
    if (end.status === "fulfilled") throw new Error("the promise was kept");
    return end.reason as unknown;
  });
