// A client and an Effect turn over one cloud in memory, whose time is the test's.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { layerMemory } from "@muster/core/store/memory";
import type { Store, StoreError } from "@muster/core/store/store";
import { type FakeCloud, makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";
import { whileTimePasses } from "@muster/testkit/fleet/passing-time";
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
const ended = <A>(promise: Promise<A>): Effect.Effect<PromiseSettledResult<A>> => {
  // Listened to at once: it may be rejected before the effect is run.
  const settled = Promise.allSettled([promise]);
  return whileTimePasses(Effect.promise(async () => (await settled)[0]));
};

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
