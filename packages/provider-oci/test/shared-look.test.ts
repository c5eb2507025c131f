// Holds that a shared look is never older than is taken, and that it outlives who asked.

import { assert, describe, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import { makeSharedLook } from "../src/shared-look.ts";

describe("a shared look", () => {
  it.effect("serves all who ask meanwhile with one look that begins after they asked", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope;
      let looks = 0;
      const gates = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()];
      const look = makeSharedLook(
        Effect.suspend(() => {
          looks += 1;
          const mine = looks;
          return Effect.as(Deferred.await(gates[mine - 1]!), mine);
        }),
        scope,
      );
      const first = yield* Effect.forkChild(look(0));
      yield* Effect.yieldNow;
      const others = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(look(0)));
      yield* Effect.yieldNow;
      assert.strictEqual(looks, 1);
      yield* Deferred.succeed(gates[0]!, undefined);
      assert.strictEqual(yield* Fiber.join(first), 1);
      yield* Deferred.succeed(gates[1]!, undefined);
      const answers = yield* Effect.forEach(others, (fiber) => Fiber.join(fiber));
      assert.deepStrictEqual(answers, [2, 2, 2]);
      assert.strictEqual(looks, 2);
    }),
  );

  it.effect("goes on for the others when the one who began it is interrupted", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope;
      const gate = yield* Deferred.make<void>();
      const look = makeSharedLook(Effect.as(Deferred.await(gate), "seen"), scope);
      const first = yield* Effect.forkChild(look(0));
      yield* Effect.yieldNow;
      const second = yield* Effect.forkChild(look(0));
      yield* Effect.yieldNow;
      yield* Fiber.interrupt(first);
      yield* Deferred.succeed(gate, undefined);
      assert.strictEqual(yield* Fiber.join(second), "seen");
    }),
  );

  it.effect("hands a failure to all who waited, and looks again for the next", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope;
      let looks = 0;
      const look = makeSharedLook(
        Effect.suspend(() => (++looks === 1 ? Effect.fail("broken") : Effect.succeed("seen"))),
        scope,
      );
      assert.strictEqual(yield* Effect.flip(look(0)), "broken");
      assert.strictEqual(yield* look(0), "seen");
    }),
  );

  it.effect("gives the latest to who takes one of its age, also while it is under way", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope;
      let looks = 0;
      const gate = yield* Deferred.make<void>();
      const look = makeSharedLook(
        Effect.suspend(() => {
          looks += 1;
          return looks === 1 ? Effect.as(Deferred.await(gate), 1) : Effect.succeed(looks);
        }),
        scope,
      );
      const first = yield* Effect.forkChild(look(100));
      yield* Effect.yieldNow;
      yield* TestClock.adjust(100);
      const second = yield* Effect.forkChild(look(100));
      yield* Effect.yieldNow;
      yield* Deferred.succeed(gate, undefined);
      assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], [1, 1]);
      yield* TestClock.adjust(1);
      assert.strictEqual(yield* look(100), 2);
      assert.strictEqual(yield* look(1), 2);
      assert.strictEqual(yield* look(0), 3);
    }),
  );

  it.effect("gives no failure to who asks later", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope;
      let looks = 0;
      const look = makeSharedLook(
        Effect.suspend(() => (++looks === 1 ? Effect.fail("broken") : Effect.succeed("seen"))),
        scope,
      );
      assert.strictEqual(yield* Effect.flip(look(100)), "broken");
      assert.strictEqual(yield* look(100), "seen");
    }),
  );
});
