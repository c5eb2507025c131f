// A disk in memory keeps what was synced and only that, and a machine that is gone stays silent.

import { assert, describe, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { journalledMemory } from "../../src/store/journalled-memory.ts";
import { sampleDraft, sampleStatus } from "../../src/store/samples.ts";

const batch = { owner: "o", puts: [sampleStatus("web")], audit: [sampleDraft("one")] };

describe("journalledMemory", () => {
  it.effect("keeps a commit that was answered", () =>
    Effect.gen(function* () {
      const disk = journalledMemory();
      const store = yield* disk.reopen;
      const head = yield* store.commit(batch);
      const again = yield* disk.reopen;
      assert.deepStrictEqual(yield* again.auditHead, head);
      assert.deepStrictEqual(yield* again.load("o"), batch.puts);
      assert.strictEqual(again.id, store.id);
    }),
  );

  it.effect("forgets a commit and a claim that were written but not synced", () =>
    Effect.gen(function* () {
      const disk = journalledMemory({ sync: Effect.never });
      const store = yield* disk.reopen;
      const claim = { owner: "o", holder: "one", expected: 0, expiresAt: 1_000 };
      const fibers = [
        yield* Effect.forkChild(store.commit(batch)),
        yield* Effect.forkChild(store.claimLease(claim)),
      ];
      yield* Effect.yieldNow;
      assert.strictEqual((yield* store.auditHead).seq, 1);
      assert.strictEqual((yield* store.lease("o")).version, 1);
      const again = yield* disk.reopen;
      assert.strictEqual((yield* again.auditHead).seq, 0);
      assert.strictEqual((yield* again.lease("o")).version, 0);
      yield* Fiber.interruptAll(fibers);
    }),
  );

  it.effect("syncs what others had written with the first sync that is over", () =>
    Effect.gen(function* () {
      const syncs = [yield* Deferred.make<void>(), yield* Deferred.make<void>()];
      let next = 0;
      const sync = Effect.suspend(() => Deferred.await(syncs[next++]!));
      const disk = journalledMemory({ sync });
      const store = yield* disk.reopen;
      const first = yield* Effect.forkChild(store.commit(batch));
      yield* Effect.yieldNow;
      const second = yield* Effect.forkChild(store.commit(batch));
      yield* Effect.yieldNow;
      yield* Deferred.succeed(syncs[1]!, undefined);
      yield* Fiber.join(second);
      const again = yield* disk.reopen;
      assert.strictEqual((yield* again.auditHead).seq, 2);
      yield* Fiber.interrupt(first);
    }),
  );

  it.effect("answers and writes nothing more for a machine that is gone", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>();
      const disk = journalledMemory({ sync: Deferred.await(gate) });
      const store = yield* disk.reopen;
      const late = yield* Effect.forkChild(store.commit(batch));
      yield* Effect.yieldNow;
      const again = yield* disk.reopen;
      yield* Deferred.succeed(gate, undefined);
      for (let turn = 0; turn < 5; turn += 1) yield* Effect.yieldNow;
      assert.isUndefined(late.pollUnsafe());
      assert.deepStrictEqual(yield* again.load("o"), []);
      assert.deepStrictEqual(yield* (yield* disk.reopen).load("o"), []);
      yield* Fiber.interrupt(late);
    }),
  );
});
