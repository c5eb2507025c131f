// Laws 3 and 10 for a turn that is cancelled: open intents, a word in the audit, and nothing launched twice.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import { makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { launchedTwice, living, settleDown } from "../../src/fleet/survival.ts";
import { fakeTurn } from "../../src/fleet/turn.ts";
import { chainFault, makeWitness } from "../../src/fleet/witness.ts";

const intents = (store: StoreShape) =>
  Effect.map(store.load("us"), (records) => records.filter((record) => record._tag === "Intent"));

const notes = (store: StoreShape) =>
  Effect.map(store.auditEntries(0, 1_000), (entries) =>
    entries.filter((entry) => entry.reason.code === "Interrupted"),
  );

const site = { name: "site", spec: { parallel: 2, groups: [{ name: "web", count: 5 }] } };

const cancelAfter = Effect.fnUntraced(function* (millis: number, listLagMillis: number) {
  const cloud = makeFakeCloud();
  const store = makeMemoryStore();
  cloud.faults.launchMillis = 2_000;
  cloud.faults.listLagMillis = listLagMillis;
  const { handler, unannounced } = makeWitness(cloud.handler, store, "us");
  const fiber = yield* Effect.forkChild(fakeTurn({ cloud, store, documents: [site], handler }));
  for (let passed = 0; passed < millis; passed += 100) yield* TestClock.adjust("100 millis");
  yield* Fiber.interrupt(fiber);
  const exit = yield* Fiber.await(fiber);
  return { cloud, store, exit, unannounced };
});

describe("a turn that is cancelled", () => {
  it.effect(
    "leaves its launches as open intents, says so in the audit, and lets the lease go",
    () =>
      Effect.gen(function* () {
        const { cloud, exit, store } = yield* cancelAfter(1_000, 0);
        assert.isTrue(Exit.hasInterrupts(exit));
        assert.strictEqual(cloud.mutations().length, 2);
        const open = yield* intents(store);
        assert.sameMembers(
          open.map((intent) => intent.target),
          cloud.machines().map((machine) => machine.id),
        );
        const said = yield* notes(store);
        assert.deepStrictEqual(
          said.map((entry) => entry.outcome),
          ["unknown", "unknown"],
        );
        const lease = yield* store.lease("us");
        assert.isAtMost(lease.expiresAt, 0);
        assert.strictEqual(yield* chainFault(store), undefined);
      }),
  );

  it.effect(
    "at any moment, with lists in step or late: the next turns settle and double nothing",
    () =>
      Effect.gen(function* () {
        for (const lag of [0, 60_000]) {
          for (let millis = 0; millis <= 7_000; millis += 500) {
            const { cloud, store, unannounced } = yield* cancelAfter(millis, lag);
            cloud.faults.launchMillis = 0;
            const { faults } = yield* settleDown(cloud, store, [site]);
            const when = `cancelled after ${millis} ms, lists late by ${lag} ms`;
            assert.deepStrictEqual(faults, [], when);
            assert.deepStrictEqual(unannounced(), [], when);
            assert.deepStrictEqual(launchedTwice(cloud), [], when);
            assert.strictEqual(living(cloud, "site").length, 5, when);
            assert.deepStrictEqual(yield* intents(store), [], when);
            assert.strictEqual(cloud.mutations().length, 5, when);
          }
        }
      }),
  );
});
