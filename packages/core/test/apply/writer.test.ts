// What units hand in at the same time goes into one transaction, and each is told what came of it.

import { assert, describe, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import { makeWriter } from "../../src/apply/writer.ts";
import { makeMemoryStore } from "../../src/store/memory.ts";
import { StoreError, type Batch } from "../../src/store/store.ts";
import type { StoreRecord } from "../../src/words/record.ts";

const head = (branch: string, commit = "c"): StoreRecord => ({ _tag: "Head", branch, commit });

const recording = Effect.fnUntraced(function* (fail: (batch: Batch) => boolean = () => false) {
  const store = makeMemoryStore();
  const batches: Array<Batch> = [];
  const gate = yield* Deferred.make<void>();
  const broken = new StoreError({ reason: "Unavailable", place: "memory:", message: "no" });
  const commit = (batch: Batch) =>
    Effect.suspend(() => {
      batches.push(batch);
      return Effect.andThen(
        Deferred.await(gate),
        fail(batch) ? Effect.fail(broken) : store.commit(batch),
      );
    });
  const writer = yield* makeWriter("us", () => commit);
  return { store, batches, writer, open: Deferred.succeed(gate, undefined) };
});

describe("the writer", () => {
  it.effect("gathers what comes in while a transaction runs, none lost, none twice", () =>
    Effect.gen(function* () {
      const { batches, open, store, writer } = yield* recording();
      const fibers = yield* Effect.forEach([1, 2, 3, 4], (n) =>
        Effect.forkChild(writer.write({ puts: [head(`b${n}`)] })),
      );
      yield* Effect.yieldNow;
      yield* open;
      yield* Effect.forEach(fibers, Fiber.join);
      assert.strictEqual((yield* store.load("us")).length, 4);
      assert.isAtMost(batches.length, 2);
      assert.strictEqual(batches.flatMap((batch) => batch.puts ?? []).length, 4);
    }),
  );

  it.effect("within a transaction the later word on a key wins, put or delete", () =>
    Effect.gen(function* () {
      const { open, store, writer } = yield* recording();
      const writes = [
        { puts: [head("first")] },
        { puts: [head("kept", "old"), head("gone")] },
        { deletes: ["Head/gone", "Head/kept"] },
        { puts: [head("kept", "new")] },
      ];
      const fibers = yield* Effect.forEach(writes, (write) =>
        Effect.forkChild(writer.write(write)),
      );
      yield* Effect.yieldNow;
      yield* open;
      yield* Effect.forEach(fibers, Fiber.join);
      assert.deepStrictEqual(yield* store.load("us"), [head("first"), head("kept", "new")]);
    }),
  );

  it.effect("a transaction that fails is told to all who were in it, and to no other", () =>
    Effect.gen(function* () {
      const { open, writer } = yield* recording((batch) => (batch.puts ?? []).length > 1);
      const first = yield* Effect.forkChild(Effect.exit(writer.write({ puts: [head("alone")] })));
      yield* Effect.yieldNow;
      const rest = yield* Effect.forEach(["x", "y"], (branch) =>
        Effect.forkChild(Effect.exit(writer.write({ puts: [head(branch)] }))),
      );
      yield* Effect.yieldNow;
      yield* open;
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(first)));
      for (const fiber of rest) assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)));
    }),
  );
});
