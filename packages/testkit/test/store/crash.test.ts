// Crash points count every durable act, die exactly where they are told, and let nothing through after.

import { assert, describe, it } from "@effect/vitest";
import { makeMemoryDisk, makeMemoryStore } from "@muster/core/store/memory";
import type { Handler } from "@muster/core/words/provider";
import * as Effect from "effect/Effect";
import { crashingStore, decorateHandler, makeCrashPoints } from "../../src/store/crash.ts";
import { sampleDraft, sampleStatus } from "../../src/store/samples.ts";

const claim = { owner: "o", holder: "one", expected: 0, expiresAt: 1_000 };

/** Four points: before and after a claim and a commit. */
const program = (disk = makeMemoryDisk()) => {
  const store = makeMemoryStore({ disk });
  return {
    store,
    run: (points: Parameters<typeof crashingStore>[1]) =>
      Effect.gen(function* () {
        const crashing = crashingStore(store, points);
        yield* crashing.claimLease(claim);
        return yield* crashing.commit({
          owner: "o",
          puts: [sampleStatus("web")],
          audit: [sampleDraft("one")],
        });
      }),
  };
};

describe("makeCrashPoints", () => {
  it.effect("counts with labels and dies nowhere", () =>
    Effect.gen(function* () {
      const points = yield* makeCrashPoints({ act: "count", at: 2 });
      const end = yield* points.run(program().run(points));
      assert.strictEqual(end._tag, "Ended");
      assert.deepStrictEqual(yield* points.labels, [
        "before claimLease",
        "after claimLease",
        "before commit",
        "after commit",
      ]);
    }),
  );

  it.effect("dies at each point with exactly what was written until there", () =>
    Effect.gen(function* () {
      const written = [
        { version: 0, seq: 0 },
        { version: 1, seq: 0 },
        { version: 1, seq: 0 },
        { version: 1, seq: 1 },
      ];
      for (const [index, expected] of written.entries()) {
        const { store, run } = program();
        const points = yield* makeCrashPoints({ act: "interrupt", at: index + 1 });
        const end = yield* points.run(run(points));
        assert.strictEqual(end._tag === "Died" && end.at, index + 1);
        const [{ version }, { seq }] = [yield* store.lease("o"), yield* store.auditHead];
        assert.deepStrictEqual({ version, seq }, expected);
      }
    }),
  );

  it.effect("lets neither finalizers nor other fibers of a dead run through", () =>
    Effect.gen(function* () {
      const { store } = program();
      const points = yield* makeCrashPoints({ act: "interrupt", at: 1 });
      const crashing = crashingStore(store, points);
      const late = crashing.commit({ owner: "o", puts: [sampleStatus("late")] });
      let read = false;
      const other = Effect.andThen(
        Effect.yieldNow,
        Effect.tap(crashing.load("o"), () =>
          Effect.sync(() => {
            read = true;
          }),
        ),
      );
      yield* points.run(
        Effect.all([Effect.ensuring(points.hit("here"), Effect.ignore(late)), other], {
          concurrency: 2,
        }),
      );
      for (let turn = 0; turn < 10; turn += 1) yield* Effect.yieldNow;
      assert.deepStrictEqual(yield* store.load("o"), []);
      assert.deepStrictEqual(yield* points.labels, ["here"]);
      assert.isFalse(read);
    }),
  );

  it.effect("answers the failure of a run that ends by itself", () =>
    Effect.gen(function* () {
      const points = yield* makeCrashPoints({ act: "interrupt", at: 99 });
      const end = yield* points.run(Effect.fail("refused"));
      assert.strictEqual(end._tag, "Ended");
      assert.include(end._tag === "Ended" ? String(end.exit) : "", "refused");
    }),
  );

  it.effect("dies at a point that is reached by several fibers once, and only once", () =>
    Effect.gen(function* () {
      const points = yield* makeCrashPoints({ act: "interrupt", at: 3 });
      const fibers = Array.from({ length: 5 }, (_, at) => points.hit(`fiber ${at}`));
      const end = yield* points.run(Effect.all(fibers, { concurrency: "unbounded" }));
      assert.deepStrictEqual(end, { _tag: "Died", at: 3, label: "fiber 2" });
      assert.lengthOf(yield* points.labels, 3);
    }),
  );
});

describe("decorateHandler", () => {
  it.effect("puts points around changes and before looks, and passes all through", () =>
    Effect.gen(function* () {
      const calls: Array<string> = [];
      const answer = (name: string) => () =>
        Effect.sync(() => {
          calls.push(name);
          return name;
        });
      const names = ["observe", "look", "find", "create", "created", "mark", "remove", "removed"];
      const behaviour = Object.fromEntries(names.map((name) => [name, answer(name)]));
      const points = yield* makeCrashPoints({ act: "count" });
      const handler = decorateHandler(
        { resource: "sample", ...behaviour } as unknown as Handler,
        points,
      ) as unknown as Record<string, () => Effect.Effect<string>>;
      for (const name of names) assert.strictEqual(yield* handler[name]!(), name);
      assert.deepStrictEqual(calls, names);
      assert.deepStrictEqual(
        yield* points.labels,
        names.flatMap((name) =>
          ["create", "mark", "remove"].includes(name)
            ? [`before ${name}`, `after ${name}`]
            : [`before ${name}`],
        ),
      );
    }),
  );
});
