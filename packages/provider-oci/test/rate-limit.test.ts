// Holds that an account sends no more than it may, and that one refusal stops all who would send.

import { assert, describe, it } from "@effect/vitest";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import { longestWaits, makeRateLimiter, makeRateLimiters } from "../src/rate-limit.ts";
import { countCalls, createRequest, makeExpansion, makeWorld, member } from "./fleet.ts";

const patient = 60_000;

/** When each of so many, who all come at once, may send; milliseconds from now. */
const sent = (
  limiter: ReturnType<typeof makeRateLimiter>,
  many: number,
): Effect.Effect<ReadonlyArray<number>> =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis;
    const fibers = yield* Effect.forEach(Array.from({ length: many }), () =>
      Effect.forkChild(Effect.andThen(limiter.turn(patient), Clock.currentTimeMillis)),
    );
    yield* TestClock.adjust(patient);
    const times = yield* Effect.orDie(Effect.forEach(fibers, (fiber) => Fiber.join(fiber)));
    return times.map((time) => time - began);
  });

describe("a limiter", () => {
  it.effect("lets a burst through, and then so many a second", () =>
    Effect.gen(function* () {
      const limiter = makeRateLimiter(20, 4);
      assert.deepStrictEqual(yield* sent(limiter, 8), [0, 0, 0, 0, 50, 100, 150, 200]);
      // After a rest there is a burst again, and no larger one.
      assert.deepStrictEqual(yield* sent(limiter, 6), [0, 0, 0, 0, 50, 100]);
    }),
  );

  it.effect("tells who would wait too long, and keeps no place for him", () =>
    Effect.gen(function* () {
      const limiter = makeRateLimiter(1, 1);
      yield* limiter.turn(0);
      const held = yield* Effect.flip(limiter.turn(999));
      assert.deepStrictEqual(held, { waitMillis: 1_000 });
      yield* TestClock.adjust(1_000);
      yield* limiter.turn(0);
    }),
  );

  it.effect("holds all back for as long as OCI says, a little longer, and then lets no burst", () =>
    Effect.gen(function* () {
      const limiter = makeRateLimiter(20, 4);
      yield* limiter.throttled(4_000);
      const { waitMillis } = yield* Effect.flip(limiter.turn(longestWaits.write));
      assert.isAtLeast(waitMillis, 4_000);
      assert.isAtMost(waitMillis, 5_000);
      const times = yield* sent(limiter, 4);
      assert.isAtLeast(times[0]!, 4_000);
      const gaps = times.slice(1).map((time, index) => Math.round(time - times[index]!));
      assert.deepStrictEqual(gaps, [50, 50, 50]);
    }),
  );

  it.effect("sends nobody who waited while OCI asked for a pause", () =>
    Effect.gen(function* () {
      const limiter = makeRateLimiter(20, 1);
      yield* limiter.turn(0);
      const waiting = yield* Effect.forkChild(
        Effect.andThen(limiter.turn(patient), Clock.currentTimeMillis),
      );
      yield* Effect.yieldNow;
      yield* limiter.throttled(2_000);
      yield* TestClock.adjust(patient);
      assert.isAtLeast(yield* Fiber.join(waiting), 2_000);
    }),
  );

  it.effect("doubles the pause of its own with each 429 in a row, up to half a minute", () =>
    Effect.gen(function* () {
      const limiter = makeRateLimiter(1_000, 1);
      const pause = Effect.gen(function* () {
        yield* limiter.throttled(null);
        const { waitMillis } = yield* Effect.flip(limiter.turn(0));
        yield* TestClock.adjust(waitMillis);
        return waitMillis;
      });
      for (const expected of [1, 2, 4, 8, 16, 30, 30]) {
        const waited = yield* pause;
        assert.isAtLeast(waited, expected * 1_000);
        assert.isAtMost(waited, expected * 1_250);
      }
      yield* limiter.answered;
      assert.isAtMost(yield* pause, 1_250);
    }),
  );

  it("belongs to one account", () => {
    const limiterOf = makeRateLimiters(20);
    assert.strictEqual(limiterOf("a"), limiterOf("a"));
    assert.notStrictEqual(limiterOf("a"), limiterOf("b"));
  });
});

describe("an account", () => {
  it.effect("sends through all its documents no more than it may", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({}, { requestsPerSecond: 2 });
      const names = ["shop", "store"].flatMap((name) =>
        [1, 2, 3].map((slot) => createRequest(makeExpansion({ name }), member(slot))),
      );
      const launched = yield* Effect.forEach(names, (request) =>
        Effect.forkChild(Effect.result(handler.create(request))),
      );
      const ends = yield* Effect.forEach(launched.slice(0, 4), (fiber) => Fiber.join(fiber));
      assert.isTrue(ends.every(({ _tag }) => _tag === "Success"));
      assert.strictEqual(countCalls(simulator)["LaunchInstance"], 4);
      // The fifth and the sixth wait for their turn.
      yield* TestClock.adjust(1_000);
      for (const fiber of launched.slice(4)) yield* Fiber.join(fiber);
      assert.strictEqual(countCalls(simulator)["LaunchInstance"], 6);
    }),
  );

  it.effect("that was refused once sends nothing for as long as OCI said", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({}, { requestsPerSecond: 20 });
      simulator.faults.add({
        operation: "LaunchInstance",
        nth: 1,
        answer: { status: 429, code: "TooManyRequests", message: "slow", retryAfterSeconds: 9 },
      });
      const launch = handler.create(createRequest(makeExpansion()));
      const refused = yield* Effect.flip(launch);
      assert.strictEqual(refused.retryAfterMillis, 9_000);
      for (const call of [
        launch,
        handler.create(createRequest(makeExpansion({ name: "store" }))),
      ]) {
        const held = yield* Effect.flip(call);
        assert.strictEqual(held.reason, "Throttled");
        assert.include(held.message, "not sent");
        assert.isAtLeast(held.retryAfterMillis ?? 0, 9_000);
      }
      assert.strictEqual(countCalls(simulator)["LaunchInstance"], 1);
      yield* TestClock.adjust(12_000);
      yield* launch;
      assert.strictEqual(simulator.instances().length, 1);
    }),
  );

  it.effect("may not be given a limit that lets nothing through", () =>
    Effect.gen(function* () {
      for (const requestsPerSecond of [0, -1, Number.NaN]) {
        const error = yield* Effect.flip(makeWorld({}, { requestsPerSecond }));
        assert.include(error.message, "requestsPerSecond");
      }
    }),
  );
});
