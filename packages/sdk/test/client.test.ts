// Holds what an application with promises relies on: how calls end, and that nothing is made twice.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { type FakeCloud, makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { launchedTwice, living } from "@muster/testkit/fleet/survival";
import {
  ConfigurationError,
  createMuster,
  digestOfPlans,
  type Event,
  type Muster,
  MusterClosed,
  verdictOfApply,
  verdictOfPlan,
} from "../src/index.ts";
import { clientOf, fleet, kept, rejected, slowCloud } from "./fleet.ts";

const three = ["web-1.1", "web-2.1", "web-3.1"];

const openClient = (cloud: FakeCloud) =>
  Effect.acquireRelease(Effect.map(clientOf(cloud), createMuster), (muster) =>
    Effect.promise(() => muster.close()),
  );

/** The reason of an `apply` during which `meanwhile` happens once, while a launch runs. */
const interruptedBy = (muster: Muster, meanwhile: () => void, signal?: AbortSignal) => {
  let met = false;
  return rejected(
    muster.apply(fleet(3), {
      ...(signal === undefined ? {} : { signal }),
      onEvent: (event) => {
        if (met || event.type !== "progress") return;
        met = true;
        meanwhile();
      },
    }),
  );
};

const assertClosed = (reason: unknown) => {
  assert.instanceOf(reason, MusterClosed);
  assert.instanceOf(reason, Error);
  assert.strictEqual((reason as Error).message, "the client was closed");
};

describe("a call", () => {
  it.effect("plan writes nothing and says what waits", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const muster = yield* openClient(cloud);
      const { plans } = yield* kept(muster.plan(fleet(3)));
      assert.strictEqual(verdictOfPlan(plans), "changes waiting");
      assert.deepStrictEqual(cloud.mutations(), []);
    }),
  );

  it.effect("apply tells its events in the order of happening", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const muster = yield* openClient(cloud);
      const events: Array<Event> = [];
      const report = yield* kept(
        muster.apply(fleet(3), { onEvent: (event) => void events.push(event) }),
      );
      assert.strictEqual(verdictOfApply(report), "done");
      assert.deepStrictEqual(living(cloud, "site"), three);
      const types = events.map(({ type }) => type);
      assert.deepStrictEqual(types.slice(0, 2), ["observed", "planned"]);
      assert.strictEqual(types.filter((type) => type === "finished").length, 3);
      for (const event of events) {
        if (event.type !== "finished") continue;
        const { change } = event.outcome;
        const begun = events.findIndex((e) => e.type === "started" && e.change.key === change.key);
        assert.isTrue(begun >= 0 && begun < events.indexOf(event), change.key);
      }
    }),
  );

  it.effect("applies only the plan that was expected", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const muster = yield* openClient(cloud);
      const { plans } = yield* kept(muster.plan(fleet(3)));
      const expectDigest = digestOfPlans(plans);
      const other = yield* kept(muster.apply(fleet(2), { expectDigest }));
      assert.isTrue(other.stale);
      assert.strictEqual(verdictOfApply(other), "refused");
      assert.deepStrictEqual(cloud.mutations(), []);
      assert.isFalse((yield* kept(muster.apply(fleet(3), { expectDigest }))).stale);
      assert.deepStrictEqual(living(cloud, "site"), three);
    }),
  );

  it.effect("refuses an owner that is none", () =>
    Effect.gen(function* () {
      const options = yield* clientOf(makeFakeCloud());
      const muster = createMuster({ ...options, owner: "" });
      for (const verb of [muster.plan, muster.apply]) {
        assert.instanceOf(yield* rejected(verb(fleet(1))), ConfigurationError);
      }
    }),
  );

  it.effect("goes on to its end whatever its listener throws", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const muster = yield* openClient(cloud);
      let told = 0;
      const report = yield* kept(
        muster.apply(fleet(3), {
          onEvent: () => {
            told += 1;
            throw new Error("the listener broke");
          },
        }),
      );
      assert.isAbove(told, 3);
      assert.strictEqual(verdictOfApply(report), "done");
      assert.deepStrictEqual(living(cloud, "site"), three);
    }),
  );

  it.effect("waits for another of the same client", () =>
    Effect.gen(function* () {
      const cloud = slowCloud();
      const muster = yield* openClient(cloud);
      const events: Array<Event> = [];
      const onEvent = (event: Event) => void events.push(event);
      const both = yield* kept(
        Promise.all([muster.apply(fleet(3), { onEvent }), muster.apply(fleet(3), { onEvent })]),
      );
      assert.deepStrictEqual(both.map(verdictOfApply), ["done", "done"]);
      assert.isTrue(events.some(({ type }) => type === "waiting"));
      assert.deepStrictEqual(living(cloud, "site"), three);
      assert.deepStrictEqual(launchedTwice(cloud), []);
    }),
  );
});

describe("a call that is ended", () => {
  it.effect("rejects with the signal's reason, and the next one finishes its work", () =>
    Effect.gen(function* () {
      const cloud = slowCloud();
      const muster = yield* openClient(cloud);
      const controller = new AbortController();
      const reason = new Error("the user went away");
      const end = yield* interruptedBy(muster, () => controller.abort(reason), controller.signal);
      assert.strictEqual(end, reason);
      assert.isAbove(cloud.mutations().length, 0);
      const report = yield* kept(muster.apply(fleet(3)));
      assert.strictEqual(verdictOfApply(report), "done");
      assert.deepStrictEqual(living(cloud, "site"), three);
      assert.deepStrictEqual(launchedTwice(cloud), []);
    }),
  );

  it.effect("does not begin under a signal that was given already", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const muster = yield* openClient(cloud);
      const reason = new Error("too late");
      const signal = AbortSignal.abort(reason);
      assert.strictEqual(yield* rejected(muster.apply(fleet(3), { signal })), reason);
      assert.deepStrictEqual(cloud.mutations(), []);
    }),
  );

  it.effect("by close says so", () =>
    Effect.gen(function* () {
      const muster = yield* openClient(slowCloud());
      let closing: Promise<void> | undefined;
      assertClosed(
        yield* interruptedBy(muster, () => {
          closing = muster.close();
        }),
      );
      yield* Effect.promise(async () => closing);
    }),
  );

  it.effect("before it began, by an earlier close, says so", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const muster = yield* openClient(cloud);
      yield* kept(muster.plan(fleet(1)));
      yield* kept(muster.close());
      yield* kept(muster.close());
      assertClosed(yield* rejected(muster.plan(fleet(1))));
      assertClosed(yield* rejected(muster.apply(fleet(1))));
      assert.deepStrictEqual(cloud.mutations(), []);
    }),
  );
});
