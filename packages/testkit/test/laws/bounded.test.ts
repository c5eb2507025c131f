// Law 8: every concurrency, queue, retry and time-out has a limit; every retry honours the server's word and jitters.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore } from "@muster/core/store/memory";
import { defaultPolicy } from "@muster/core/words/policy";
import { ProviderError, type ProviderReason } from "@muster/core/words/provider";
import { type FakeCloud, makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { whileTimePasses } from "../../src/fleet/passing-time.ts";
import { living } from "../../src/fleet/survival.ts";
import { fakePace, fakeTurn, fleetOf } from "../../src/fleet/turn.ts";

const small = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }));

const answer = (reason: ProviderReason, retryAfterMillis?: number) =>
  new ProviderError({
    reason,
    operation: "CreateMachine",
    message: "not now",
    ...(retryAfterMillis === undefined ? {} : { retryAfterMillis }),
  });

const fail = (cloud: FakeCloud, operation: string, times: number, error: ProviderError) =>
  cloud.faults.next.set(
    operation,
    Array.from({ length: times }, () => error),
  );

const timesOf = (cloud: FakeCloud, operation: string) =>
  cloud.calls().flatMap((call) => (call.operation === operation ? [call.at] : []));

describe("law 8: bounded", () => {
  it.effect.prop(
    "never more launches in flight than asked for, over all groups of a document",
    {
      parallel: small,
      counts: Schema.Array(small).check(Schema.isMinLength(1), Schema.isMaxLength(4)),
    },
    ({ counts, parallel }) =>
      Effect.gen(function* () {
        const cloud = makeFakeCloud();
        cloud.faults.launchMillis = 3_000;
        const groups = counts.map((count, index) => ({ name: `g${index}`, count }));
        const document = { name: "site", spec: { parallel, groups } };
        yield* whileTimePasses(
          fakeTurn({ cloud, store: makeMemoryStore(), documents: [document] }),
        );
        const asked = counts.reduce((sum, count) => sum + count, 0);
        assert.strictEqual(living(cloud, "site").length, asked);
        assert.strictEqual(cloud.peak(), Math.min(parallel, asked));
      }),
    { timeout: 30_000 },
  );

  it.effect(
    "the dead are remembered while a list may show them, and by two clocks, no longer",
    () =>
      Effect.gen(function* () {
        const cloud = makeFakeCloud();
        const store = makeMemoryStore();
        const scaleTo = (count: number) =>
          whileTimePasses(fakeTurn({ cloud, store, documents: [fleetOf(count)] }));
        const buried = Effect.map(store.load("us"), (records) =>
          records.filter(({ _tag }) => _tag === "Burial"),
        );
        const lag = defaultPolicy("us").listLagMillis;
        yield* scaleTo(3);
        yield* scaleTo(0);
        yield* TestClock.adjust(2 * lag - 1_000);
        yield* scaleTo(1);
        assert.strictEqual((yield* buried).length, 3);
        yield* TestClock.adjust(2_000);
        yield* scaleTo(2);
        assert.deepStrictEqual(yield* buried, []);
      }),
  );

  it.effect("a throttled call waits at least as long as the server said", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      fail(cloud, "create", 1, answer("Throttled", 4_000));
      yield* whileTimePasses(
        fakeTurn({ cloud, store: makeMemoryStore(), documents: [fleetOf(1)] }),
      );
      const [first, second] = timesOf(cloud, "create");
      assert.isAtLeast(second! - first!, 4_000);
      assert.strictEqual(living(cloud, "site").length, 1);
    }),
  );

  it.effect("those that were throttled together do not come back together", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      fail(cloud, "create", 5, answer("Throttled", 4_000));
      yield* whileTimePasses(
        fakeTurn({ cloud, store: makeMemoryStore(), documents: [fleetOf(5)] }),
      );
      const again = timesOf(cloud, "create").slice(5);
      assert.strictEqual(again.length, 5);
      assert.isAbove(new Set(again).size, 1, "all five came back in the same millisecond");
    }),
  );

  it.effect("retries without a word from the server are jittered and grow", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      fail(cloud, "create", 1_000, answer("Throttled"));
      yield* whileTimePasses(
        fakeTurn({ cloud, store: makeMemoryStore(), documents: [fleetOf(1)] }),
      );
      const times = timesOf(cloud, "create");
      const waits = times.slice(1).map((at, index) => at - times[index]!);
      assert.isAtLeast(waits[0]!, fakePace.retryMillis / 2);
      assert.isAtMost(Math.max(...waits), fakePace.retryMaxMillis + 20);
      assert.isAbove(new Set(waits).size, 2);
      assert.isAtMost(times.at(-1)! - times[0]!, fakePace.throttledMillis);
      assert.isAtMost(times.length, 30);
    }),
  );

  it.effect("an unreachable provider: unknown only when a write was sent", () =>
    Effect.gen(function* () {
      for (const [operation, result] of [
        ["find", "failed"],
        ["create", "unknown"],
      ] as const) {
        const cloud = makeFakeCloud();
        const store = makeMemoryStore();
        fail(cloud, operation, 1_000, answer("Unreachable"));
        const turn = yield* whileTimePasses(fakeTurn({ cloud, store, documents: [fleetOf(1)] }));
        assert.deepStrictEqual(
          turn.outcomes.map((one) => one.result),
          [result],
        );
        const times = timesOf(cloud, operation);
        assert.isAtMost(times.at(-1)! - times[0]!, fakePace.unreachableMillis);
        const open = (yield* store.load("us")).filter((record) => record._tag === "Intent");
        assert.strictEqual(open.length, result === "unknown" ? 1 : 0);
      }
    }),
  );

  it.effect("a launch that never ends is unknown after its time, and holds its slot", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      cloud.faults.launchMillis = 10 * fakePace.createMillis;
      const turn = yield* whileTimePasses(
        fakeTurn({ cloud, store, documents: [fleetOf(1)] }),
        "1 second",
      );
      assert.deepStrictEqual(
        turn.outcomes.map((one) => one.result),
        ["unknown"],
      );
      yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] });
      assert.strictEqual(cloud.mutations().length, 1);
    }),
  );

  it.effect("a launch refused for good ends the launches of its document, and of no other", () =>
    Effect.gen(function* () {
      for (const reason of ["Denied", "Invalid", "Exhausted"] as const) {
        const cloud = makeFakeCloud();
        const refuse = answer(reason);
        const handler = {
          ...cloud.handler,
          create: (request: Parameters<typeof cloud.handler.create>[0]) =>
            request.expansion.document.name === "site" && request.member.slot === 2
              ? Effect.fail(refuse)
              : cloud.handler.create(request),
        };
        const site = { name: "site", spec: { parallel: 1, groups: [{ name: "web", count: 5 }] } };
        const documents = [site, fleetOf(3, "other")];
        const turn = yield* fakeTurn({ cloud, store: makeMemoryStore(), documents, handler });
        assert.deepStrictEqual(
          turn.outcomes.filter((one) => one.document.name === "site").map((one) => one.result),
          ["done", "failed", "skipped", "skipped", "skipped"],
        );
        assert.strictEqual(living(cloud, "site").length, 1);
        assert.strictEqual(living(cloud, "other").length, 3);
      }
    }),
  );

  it.effect("a world that moves at every look ends after so many rounds", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] });
      const { id } = cloud.machines()[0]!;
      let edits = 0;
      const handler = {
        ...cloud.handler,
        look: (...args: Parameters<typeof cloud.handler.look>) => {
          cloud.edit(id, { displayName: `edited-${(edits += 1)}` });
          return cloud.handler.look(...args);
        },
      };
      const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(0)], handler });
      assert.isAtMost(turn.outcomes.length, 5);
      assert.strictEqual(living(cloud, "site").length, 1);
    }),
  );
});
