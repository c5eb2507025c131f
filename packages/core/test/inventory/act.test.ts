import { assert, describe, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import { audited, type Came, refuseAct } from "../../src/inventory/act.ts";
import type { Word } from "../../src/inventory/roll.ts";
import { makeMemoryStore } from "../../src/store/memory.ts";
import { StoreError, type StoreShape } from "../../src/store/store.ts";

const act = { action: "reboot host", host: "a", parameters: { line: "sudo -n reboot" } };

const word: Word = {
  actor: { verified: "ann@desk (uid 7)", claimed: "boss" },
  keeper: { by: "cli" },
  at: "2026-05-01T12:00:00.000Z",
  reason: "new kernel",
};

const done: Came = { outcome: "done", found: { after: "b2" } };

const entriesOf = (store: StoreShape) => store.auditEntries(0, 100);

const phasesOf = (store: StoreShape) =>
  Effect.map(entriesOf(store), (all) => all.map(({ phase, outcome }) => `${phase} ${outcome}`));

/** A store that refuses what it is asked to write from the given entry on. */
const failingFrom = (store: StoreShape, first: number): StoreShape => {
  let asked = 0;
  return {
    ...store,
    commit: (batch) =>
      Effect.suspend(() => {
        asked += 1;
        return asked < first
          ? store.commit(batch)
          : Effect.fail(new StoreError({ reason: "Busy", place: "here", message: "held" }));
      }),
  };
};

describe("an act on a host", () => {
  it.effect("stands in the audit before it happens, and what came of it after", () =>
    Effect.gen(function* () {
      const store = makeMemoryStore();
      const came = yield* audited(store, act, word, (begin) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* phasesOf(store), []);
          yield* begin;
          assert.deepStrictEqual(yield* phasesOf(store), ["intent null"]);
          return done;
        }),
      );
      assert.deepStrictEqual(came, done);
      const [intent, outcome] = yield* entriesOf(store);
      assert.deepInclude(intent, {
        ...{ action: "reboot host", targets: ["a"], actor: word.actor, phase: "intent" },
        ...{ parameters: act.parameters, outcome: null, at: word.at },
      });
      assert.strictEqual(intent!.reason.text, "new kernel");
      assert.deepInclude(outcome, { phase: "outcome", outcome: "done" });
      assert.deepStrictEqual(outcome!.parameters, { ...act.parameters, after: "b2", intent: 1 });
      // Its own time, not that of the word.
      assert.notStrictEqual(outcome!.at, word.at);
    }),
  );

  it.effect("leaves no trace where it never began", () =>
    Effect.gen(function* () {
      const store = makeMemoryStore();
      const exit = yield* Effect.exit(audited(store, act, word, () => Effect.fail("not reached")));
      assert.isTrue(Exit.isFailure(exit));
      assert.deepStrictEqual(yield* phasesOf(store), []);
    }),
  );

  it.effect("is unknown when it fails, or is interrupted, after it began", () =>
    Effect.gen(function* () {
      const store = makeMemoryStore();
      yield* Effect.exit(
        audited(store, act, word, (begin) => Effect.andThen(begin, Effect.fail("cut"))),
      );
      assert.deepStrictEqual(yield* phasesOf(store), ["intent null", "outcome unknown"]);
      const begun = yield* Deferred.make<void>();
      const fiber = yield* Effect.forkChild(
        audited(store, act, word, (begin) =>
          begin.pipe(
            Effect.andThen(Deferred.succeed(begun, undefined)),
            Effect.andThen(Effect.never),
          ),
        ),
      );
      yield* Deferred.await(begun);
      yield* Fiber.interrupt(fiber);
      assert.deepStrictEqual((yield* phasesOf(store)).slice(2), ["intent null", "outcome unknown"]);
    }),
  );

  it.effect("does not happen when the intent cannot be written", () =>
    Effect.gen(function* () {
      const store = failingFrom(makeMemoryStore(), 1);
      let happened = false;
      const error = yield* Effect.flip(
        audited(store, act, word, (begin) =>
          Effect.map(begin, () => {
            happened = true;
            return done;
          }),
        ),
      );
      assert.deepStrictEqual([happened, error.message], [false, "held"]);
    }),
  );

  it.effect("tells what came of it when only the outcome cannot be written", () =>
    Effect.gen(function* () {
      const store = failingFrom(makeMemoryStore(), 2);
      const error = yield* Effect.flip(
        audited(store, act, word, (begin) => Effect.as(begin, done)),
      );
      assert.strictEqual(error.message, "held; so the audit does not say what came of it: done");
    }),
  );

  it("is refused for a host that is left alone", () => {
    const host = {
      address: { host: "a" },
      discoveredAt: word.at,
      population: null,
      expectedRole: null,
      labels: {},
    };
    assert.isNull(refuseAct({ ...host, disabled: null }));
    const disabled = { reason: "bad\u001b disk", by: "ann", at: word.at };
    assert.strictEqual(
      refuseAct({ ...host, disabled })?.reason.text,
      '"a" is disabled, by "ann": "bad\\u{1b} disk"',
    );
  });
});
