// Holds what an Effect program relies on: typed errors, events as effects, one store under all turns.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import { makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";
import { whileTimePasses } from "@muster/testkit/fleet/passing-time";
import { launchedTwice, living } from "@muster/testkit/fleet/survival";
import {
  apply,
  type Event,
  layerMemory,
  plan,
  Store,
  verdictOfApply,
  verdictOfPlan,
} from "../src/index.ts";
import { fleet, slowCloud, turnOf } from "./fleet.ts";

const two = ["web-1.1", "web-2.1"];

describe("a turn", () => {
  it.effect("applies what it planned, and then nothing is left", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const options = { ...turnOf(cloud), sources: fleet(2) };
      const first = yield* plan(options);
      assert.strictEqual(verdictOfPlan(first.plans), "changes waiting");
      assert.deepStrictEqual(cloud.mutations(), []);
      assert.strictEqual(verdictOfApply(yield* apply(options)), "done");
      assert.deepStrictEqual(living(cloud, "site"), two);
      assert.strictEqual(verdictOfPlan((yield* plan(options)).plans), "done");
    }).pipe(Effect.provide(layerMemory)),
  );

  it.effect("writes down who asked and by which run", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      yield* apply({ ...turnOf(cloud), sources: fleet(1), actor: "billing", run: "run-7" });
      const entries = yield* (yield* Store).auditEntries(0, 100);
      assert.isAbove(entries.length, 0);
      for (const { actor, run } of entries) {
        assert.deepStrictEqual([actor.claimed, actor.verified, run], ["billing", null, "run-7"]);
      }
    }).pipe(Effect.provide(layerMemory)),
  );

  it.effect("is stale when the plan is not the expected one", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const expectDigest = "0".repeat(64);
      const report = yield* apply({ ...turnOf(cloud), sources: fleet(2), expectDigest });
      assert.isTrue(report.stale);
      assert.deepStrictEqual(report.outcomes, []);
      assert.deepStrictEqual(cloud.mutations(), []);
    }).pipe(Effect.provide(layerMemory)),
  );

  it.effect("fails for an owner that is none, and for two plugins of one kind", () =>
    Effect.gen(function* () {
      const options = { ...turnOf(makeFakeCloud()), sources: fleet(2) };
      const unowned = yield* Effect.flip(apply({ ...options, owner: "" }));
      assert.strictEqual(unowned._tag, "ConfigurationError");
      const plugins = [...options.plugins, { ...fakePlugin(makeFakeCloud()), name: "other" }];
      const twice = yield* Effect.flip(plan({ ...options, plugins }));
      assert.strictEqual(twice._tag, "ConfigurationError");
    }).pipe(Effect.provide(layerMemory)),
  );

  it.effect("that is interrupted leaves its work to the next", () =>
    Effect.gen(function* () {
      const cloud = slowCloud();
      const options = { ...turnOf(cloud), sources: fleet(2) };
      const fiber = yield* Effect.forkChild(apply(options));
      while (cloud.mutations().length === 0) yield* TestClock.adjust("10 millis");
      yield* whileTimePasses(Fiber.interrupt(fiber));
      const events: Array<Event> = [];
      const onEvent = (event: Event) => Effect.sync(() => void events.push(event));
      const report = yield* whileTimePasses(apply({ ...options, onEvent }));
      assert.strictEqual(verdictOfApply(report), "done");
      assert.isFalse(events.some(({ type }) => type === "waiting"));
      assert.deepStrictEqual(living(cloud, "site"), two);
      assert.deepStrictEqual(launchedTwice(cloud), []);
    }).pipe(Effect.provide(layerMemory)),
  );
});
