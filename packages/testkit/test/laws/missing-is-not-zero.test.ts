// Law 5: no data, half a list or an error never counts as "nothing is there".

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore } from "@muster/core/store/memory";
import { effectiveChanges } from "@muster/core/words/plan";
import { ProviderError, type ProviderReason } from "@muster/core/words/provider";
import { makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { whileTimePasses } from "../../src/fleet/passing-time.ts";
import { living } from "../../src/fleet/survival.ts";
import { fakeTurn, fleetOf, type TurnOptions } from "../../src/fleet/turn.ts";
import type { ReconcileReport } from "@muster/core/reconcileOnce";

/** What cannot be seen is looked for again, so a turn takes time. */
const turnOf = (options: TurnOptions) => whileTimePasses(fakeTurn(options), "500 millis");

const ready = (report: ReconcileReport, name = "site") =>
  report.statuses
    .find((status) => status.metadata.name === name)!
    .conditions.find((condition) => condition.type === "Ready")!;

const reasons: ReadonlyArray<ProviderReason> = [
  "Unreachable",
  "Throttled",
  "Denied",
  "Conflict",
  "Exhausted",
  "Invalid",
];

const failing = (reason: ProviderReason) =>
  new ProviderError({ reason, operation: "ListMachines", message: "no list", remedy: "wait" });

describe("law 5: missing is not zero", () => {
  it.effect("a half-read list plans no change of any kind, whatever the count", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* turnOf({ cloud, store, documents: [fleetOf(3)] });
      cloud.faults.halfRead = true;
      for (const count of [0, 2, 3, 7]) {
        const turn = yield* turnOf({ cloud, store, documents: [fleetOf(count)] });
        assert.deepStrictEqual(turn.plans.flatMap(effectiveChanges), []);
        assert.strictEqual(ready(turn).status, "Unknown");
        assert.strictEqual(turn.plans[0]!.seen, false);
      }
      assert.strictEqual(cloud.mutations().length, 3);
    }),
  );

  it.effect("a list that was not read renames and adopts nothing, and orphans only in name", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* turnOf({ cloud, store, documents: [fleetOf(2)] });
      cloud.faults.halfRead = true;
      const renamed = { ...fleetOf(2, "place"), previousName: "site" };
      yield* turnOf({ cloud, store, documents: [renamed] });
      assert.strictEqual(cloud.mutations().length, 2);
      yield* turnOf({ cloud, store, documents: [] });
      const kept = (yield* store.load("us")).filter(
        (record) => record._tag === "Document" && record.document.name === "site",
      );
      assert.strictEqual(kept.length, 1, "what nobody saw empty is not dropped");
      cloud.faults.halfRead = false;
      yield* turnOf({ cloud, store, documents: [fleetOf(2)] });
      assert.strictEqual(cloud.mutations().length, 2);
    }),
  );

  it.effect(
    "whatever error a look ends in: Ready Unknown with its reason, and other documents go on",
    () =>
      Effect.gen(function* () {
        for (const reason of reasons) {
          const cloud = makeFakeCloud();
          const store = makeMemoryStore();
          cloud.faults.blind.set("site", failing(reason));
          const documents = [fleetOf(2), fleetOf(1, "other")];
          const turn = yield* turnOf({ cloud, store, documents });
          assert.strictEqual(ready(turn).status, "Unknown");
          assert.strictEqual(ready(turn).reason, `Blind${reason}`);
          assert.strictEqual(ready(turn, "other").status, "True");
          assert.deepStrictEqual(
            cloud.mutations().map((mutation) => mutation.document),
            ["other"],
          );
        }
      }),
  );

  it.effect("a handler that cannot be had, or that forgets a document, is a blind spot", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      const documents = [fleetOf(2)];
      const none = { handlers: () => Effect.fail(failing("Denied")) };
      const turn = yield* turnOf({ cloud, store, documents, input: none });
      assert.strictEqual(ready(turn).status, "Unknown");
      const forgetful = { ...cloud.handler, observe: () => Effect.succeed([]) };
      const again = yield* turnOf({ cloud, store, documents, handler: forgetful });
      assert.strictEqual(ready(again).status, "Unknown");
      assert.deepStrictEqual(cloud.mutations(), []);
    }),
  );

  it.effect("nothing of a blind turn is kept as applied: no consent comes of it", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      cloud.faults.halfRead = true;
      yield* turnOf({ cloud, store, documents: [fleetOf(9)] });
      const records = yield* store.load("us");
      assert.deepStrictEqual(
        records.filter((record) => record._tag === "Applied"),
        [],
      );
    }),
  );

  it.effect("a member in an unknown phase counts, holds its slot and is not Ready", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* turnOf({ cloud, store, documents: [fleetOf(2)] });
      cloud.setPhase(cloud.machines()[0]!.id, "unknown");
      const turn = yield* turnOf({ cloud, store, documents: [fleetOf(2)] });
      assert.strictEqual(cloud.mutations().length, 2);
      assert.strictEqual(ready(turn).status, "False");
      assert.strictEqual(turn.left[0]!.drift[0]?.seen, "unknown");
    }),
  );

  it.effect(
    "a stopped member is none: another is launched, it keeps its name, nobody removes it",
    () =>
      Effect.gen(function* () {
        const cloud = makeFakeCloud();
        const store = makeMemoryStore();
        yield* turnOf({ cloud, store, documents: [fleetOf(2)] });
        const stopped = cloud.machines()[0]!.id;
        cloud.setPhase(stopped, "stopped");
        const turn = yield* turnOf({ cloud, store, documents: [fleetOf(2)] });
        assert.deepStrictEqual(living(cloud, "site"), ["web-1.1", "web-2.1", "web-3.1"]);
        assert.strictEqual(turn.left[0]!.drift[0]?.seen, "stopped");
        assert.strictEqual(turn.left[0]!.counts[0]!.present, 2);
        yield* turnOf({ cloud, store, documents: [fleetOf(0)] });
        assert.deepStrictEqual(living(cloud, "site"), ["web-1.1"]);
      }),
  );

  it.effect("members that stop by themselves are not launched anew for ever", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      for (let turn = 0; turn < 9; turn += 1) {
        const { left } = yield* turnOf({ cloud, store, documents: [fleetOf(2)] });
        if (turn > 4) assert.strictEqual(left[0]!.refusals[0]?.reason.code, "StoppedMembers");
        for (const { id } of cloud.machines()) cloud.setPhase(id, "stopped");
      }
      assert.isAtMost(cloud.mutations().length, 4);
    }),
  );

  it.effect(
    "who is in no list yet and is not found when asked for is not dead, and is not launched again",
    () =>
      Effect.gen(function* () {
        const cloud = makeFakeCloud();
        const store = makeMemoryStore();
        cloud.faults.listLagMillis = 60_000;
        yield* turnOf({ cloud, store, documents: [fleetOf(2)] });
        for (const { id } of cloud.machines()) cloud.faults.hidden.add(id);
        const blind = yield* turnOf({ cloud, store, documents: [fleetOf(3)] });
        assert.deepStrictEqual(living(cloud, "site"), ["web-1.1", "web-2.1", "web-3.1"]);
        assert.strictEqual(ready(blind).status, "False");
        assert.isNotNull(blind.left[0]!.nextDueAt);
        yield* turnOf({ cloud, store, documents: [fleetOf(1)] });
        assert.lengthOf(living(cloud, "site"), 3);
        cloud.faults.hidden.clear();
        yield* turnOf({ cloud, store, documents: [fleetOf(1)] });
        assert.deepStrictEqual(living(cloud, "site"), ["web-1.1"]);
      }),
  );

  it.effect("once every list must have shown it, absence is absence", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      cloud.faults.listLagMillis = 3_600_000;
      yield* turnOf({ cloud, store, documents: [fleetOf(1)] });
      for (const { id } of cloud.machines()) cloud.faults.hidden.add(id);
      yield* TestClock.adjust("9 minutes");
      yield* turnOf({ cloud, store, documents: [fleetOf(1)] });
      assert.lengthOf(living(cloud, "site"), 1);
      yield* TestClock.adjust("1 minute");
      yield* turnOf({ cloud, store, documents: [fleetOf(1)] });
      assert.deepStrictEqual(living(cloud, "site"), ["web-1.1", "web-1.2"]);
    }),
  );

  it.effect("who is listed and not found when it shall go is not gone by that", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* turnOf({ cloud, store, documents: [fleetOf(2)] });
      for (const { id } of cloud.machines()) cloud.faults.hidden.add(id);
      const turn = yield* turnOf({ cloud, store, documents: [fleetOf(1)] });
      assert.isTrue(turn.outcomes.every(({ result }) => result === "stale"));
      assert.deepStrictEqual(living(cloud, "site"), ["web-1.1", "web-2.1"]);
      cloud.faults.hidden.clear();
      yield* turnOf({ cloud, store, documents: [fleetOf(1)] });
      assert.deepStrictEqual(living(cloud, "site"), ["web-1.1"]);
    }),
  );

  it.effect("a lagging list is no proof of absence for what the store knows", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      cloud.faults.listLagMillis = 60_000;
      yield* turnOf({ cloud, store, documents: [fleetOf(3)] });
      const turn = yield* turnOf({ cloud, store, documents: [fleetOf(3)] });
      assert.deepStrictEqual(turn.plans.flatMap(effectiveChanges), []);
      assert.strictEqual(living(cloud, "site").length, 3);
    }),
  );

  it.effect("a look that fails right before a change leaves the change undone", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* turnOf({ cloud, store, documents: [fleetOf(2)] });
      cloud.faults.next.set("look", [failing("Denied")]);
      cloud.faults.next.set("find", [failing("Invalid")]);
      yield* turnOf({ cloud, store, documents: [fleetOf(1)] });
      yield* turnOf({ cloud, store, documents: [fleetOf(1), fleetOf(1, "other")] });
      assert.strictEqual(cloud.mutations().filter((one) => one.document === "other").length, 0);
    }),
  );
});
