// What comes of an edit of the roll that somebody else, or a lost connection, gets in the way of.

import { assert, describe, expect, it } from "@effect/vitest";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore, StoreError, type StoreShape } from "@muster/core";
import {
  addSeeds,
  assign,
  deletePopulation,
  discover,
  expectRole,
  putPopulation,
  type Roll,
  setDisabled,
  type Word,
} from "@muster/core/inventory/roll";
import { verifyChain } from "@muster/core/words/audit";
import { CommandEnd } from "../../src/exit.ts";
import { loadRoll } from "../../src/inventory/opened.ts";
import { type Decide, writeRoll } from "../../src/inventory/write-roll.ts";
import { inWorld } from "../world.ts";

const word: Word = {
  actor: { verified: "uid 1000", claimed: "ann" },
  keeper: { by: "cli" },
  at: "2026-05-01T12:00:00.000Z",
  reason: "why",
};

const put = (name: string, how: "create" | "edit", role: string | null): Decide =>
  deciding((roll) =>
    putPopulation(
      roll,
      { name, expectedRole: role, targetQuery: null, description: null, workers: null },
      how,
      word,
    ),
  );

const deciding =
  (decide: (roll: Roll) => Effect.Success<ReturnType<Decide>>): Decide =>
  (roll) =>
    Effect.succeed(decide(roll));

const names = ["a.test", "b.test", "c.test"];

/** Three hosts and the population `talos`. */
const begin = Effect.gen(function* () {
  const store = makeMemoryStore();
  yield* writeRoll(
    store,
    deciding((roll) =>
      addSeeds(
        roll,
        names.map((host) => ({ host })),
        word,
      ),
    ),
  );
  yield* writeRoll(
    store,
    deciding((roll) => discover(roll, names, word)),
  );
  yield* writeRoll(store, put("talos", "create", "talos"));
  return store;
});

/** All hosts that are expected to have no role, as a filter would find them. */
const assignFree: Decide = deciding((roll) =>
  assign(
    roll,
    names.filter((name) => roll.hosts.get(name)?.expectedRole === null),
    "talos",
    word,
  ),
);

const assignOne = (name: string): Decide => deciding((roll) => assign(roll, [name], "talos", word));

const clear = (name: string): Decide => deciding((roll) => expectRole(roll, [name], null, word));

const disable = (name: string): Decide => deciding((roll) => setDisabled(roll, [name], true, word));

/** The store, where something happens once before a commit is heard. */
const interrupted = (store: StoreShape, before: Effect.Effect<unknown, unknown>): StoreShape => {
  let isArmed = true;
  return {
    ...store,
    commit: (batch) =>
      Effect.suspend(() => {
        if (!isArmed) return store.commit(batch);
        isArmed = false;
        return Effect.andThen(Effect.orDie(before), store.commit(batch));
      }),
  };
};

const unanswered = (place: string) =>
  new StoreError({ reason: "Unanswered", place, message: "no answer to the commit" });

/** The store, where the first commit is heard or not, and never answered. */
const unansweredOnce = (store: StoreShape, isHeard: boolean): StoreShape => {
  let isArmed = true;
  return {
    ...store,
    commit: (batch) =>
      Effect.suspend(() => {
        if (!isArmed) return store.commit(batch);
        isArmed = false;
        const failed = Effect.fail(unanswered(store.place));
        return isHeard ? Effect.andThen(store.commit(batch), failed) : failed;
      }),
  };
};

/** Under the test's clock, to its end: pauses pass by themselves. */
const toItsEnd = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect);
    yield* TestClock.adjust("5 minutes");
    return yield* Fiber.await(fiber);
  });

const changedBy = <A extends { readonly decided: { readonly changed: ReadonlyArray<string> } }, E>(
  exit: Exit.Exit<A, E>,
) => (Exit.isSuccess(exit) ? exit.value.decided.changed : Cause.squash(exit.cause));

const actionsIn = (store: StoreShape) =>
  Effect.gen(function* () {
    const entries = yield* store.auditEntries(0, 100);
    assert.isUndefined(verifyChain(entries, yield* store.auditHead));
    // The first three are of the beginning.
    return entries.slice(3).map(({ action, targets }) => `${action}: ${targets.join(" ")}`);
  });

describe("an edit of the roll", () => {
  it.effect("that a filter means other hosts for by now means those, and is audited once", () =>
    Effect.gen(function* () {
      const store = yield* begin;
      // The other operator takes one of them, and so the filter finds two.
      const taken = interrupted(store, writeRoll(store, assignOne("b.test")));
      assert.deepStrictEqual(changedBy(yield* toItsEnd(writeRoll(taken, assignFree))), [
        "a.test",
        "c.test",
      ]);
      assert.deepStrictEqual(yield* actionsIn(store), [
        "assign population: b.test",
        "assign population: a.test c.test",
      ]);
    }),
  );

  for (const { what, other, found } of [
    { what: "takes one", other: assignOne("b.test"), found: ["c.test"] },
    { what: "frees one", other: clear("a.test"), found: ["a.test", "b.test", "c.test"] },
  ]) {
    it(
      `that a filter finds the hosts of means those that it finds when another ${what}`,
      inWorld(async (world) => {
        const store = await Effect.runPromise(
          Effect.tap(begin, (made) => writeRoll(made, assignOne("a.test"))),
        );
        const busy = interrupted(store, writeRoll(store, other));
        const args = ["host", "assign-population", "--filter", "expected_role:null"];
        const ran = await world.inside(
          [...args, "--population", "talos", "--confirm", "-o", "json"],
          {
            wiring: { openStore: () => Effect.succeed(busy) },
          },
        );
        expect([ran.code, JSON.parse(ran.stdout)]).toEqual([
          0,
          { changed: found, unchanged: [], written: true },
        ]);
        const entries = await Effect.runPromise(store.auditEntries(5, 9));
        expect(entries.map(({ targets }) => targets)).toEqual([found]);
      }),
    );
  }

  it.effect("that another took all the work of does nothing, and writes no entry", () =>
    Effect.gen(function* () {
      const store = yield* begin;
      const taken = interrupted(store, writeRoll(store, disable("a.test")));
      const exit = yield* toItsEnd(writeRoll(taken, disable("a.test")));
      assert.deepStrictEqual(changedBy(exit), []);
      assert.deepStrictEqual(yield* actionsIn(store), ["disable: a.test"]);
    }),
  );

  it.effect("gives hosts the role that their population has when they are assigned", () =>
    Effect.gen(function* () {
      const store = yield* begin;
      const edited = interrupted(store, writeRoll(store, put("talos", "edit", "perf")));
      yield* toItsEnd(writeRoll(edited, assignOne("a.test")));
      assert.strictEqual((yield* loadRoll(store)).hosts.get("a.test")?.expectedRole, "perf");
    }),
  );

  it.effect("never assigns to a population that is deleted meanwhile", () =>
    Effect.gen(function* () {
      const store = yield* begin;
      const gone = deciding((roll) => deletePopulation(roll, "talos", word));
      const deleted = interrupted(store, writeRoll(store, gone));
      const error = changedBy(yield* toItsEnd(writeRoll(deleted, assignOne("a.test"))));
      assert.instanceOf(error, CommandEnd);
      assert.include(error.message, 'there is no population "talos"');
      assert.deepStrictEqual(yield* actionsIn(store), ["delete population: talos"]);
    }),
  );

  it.effect("never deletes a population that a host is assigned to meanwhile", () =>
    Effect.gen(function* () {
      const store = yield* begin;
      const gone = deciding((roll) => deletePopulation(roll, "talos", word));
      const assigned = interrupted(store, writeRoll(store, assignOne("a.test")));
      const error = changedBy(yield* toItsEnd(writeRoll(assigned, gone)));
      assert.instanceOf(error, CommandEnd);
      assert.strictEqual(error.code, 5);
      assert.deepStrictEqual(yield* actionsIn(store), ["assign population: a.test"]);
    }),
  );

  for (const { isHeard, what } of [
    { isHeard: true, what: "was written" },
    { isHeard: false, what: "was not written" },
  ]) {
    it.effect(`that got no answer and ${what} is done once`, () =>
      Effect.gen(function* () {
        const store = yield* begin;
        const cut = unansweredOnce(store, isHeard);
        assert.deepStrictEqual(changedBy(yield* toItsEnd(writeRoll(cut, assignFree))), names);
        assert.deepStrictEqual(yield* actionsIn(store), [`assign population: ${names.join(" ")}`]);
      }),
    );
  }

  it.effect("that got no answer is fenced out, should it still come", () =>
    Effect.gen(function* () {
      const store = yield* begin;
      let late: Effect.Effect<unknown, StoreError> = Effect.void;
      const slow: StoreShape = {
        ...store,
        commit: (batch) => {
          late = store.commit(batch);
          return Effect.fail(unanswered(store.place));
        },
      };
      const error = changedBy(yield* toItsEnd(writeRoll(slow, disable("a.test"))));
      assert.strictEqual((error as StoreError).reason, "Moved");
      assert.strictEqual((yield* Effect.flip(late)).reason, "Fenced");
      assert.deepStrictEqual(yield* actionsIn(store), []);
    }),
  );

  it.effect("whose end nobody can tell ends with 7, and says what to do", () =>
    Effect.gen(function* () {
      const store = yield* begin;
      const away = new StoreError({ reason: "Unavailable", place: store.place, message: "away" });
      const cut: StoreShape = {
        ...unansweredOnce(store, true),
        claimLease: () => Effect.fail(away),
      };
      const error = changedBy(yield* toItsEnd(writeRoll(cut, disable("a.test"))));
      assert.instanceOf(error, CommandEnd);
      assert.strictEqual(error.code, 7);
      assert.include(error.message, "no answer to the commit");
      assert.include(error.remedy, "run it again");
      // And then that it is so already is all that is left to say.
      assert.deepStrictEqual(changedBy(yield* toItsEnd(writeRoll(store, disable("a.test")))), []);
    }),
  );

  it.effect("is given up when somebody else is always faster", () =>
    Effect.gen(function* () {
      const store = yield* begin;
      let turn = 0;
      const always: StoreShape = {
        ...store,
        commit: (batch) =>
          Effect.suspend(() => {
            turn += 1;
            const other = put("talos", "edit", `role-${turn}`);
            return Effect.andThen(Effect.orDie(writeRoll(store, other)), store.commit(batch));
          }),
      };
      const error = changedBy(yield* toItsEnd(writeRoll(always, assignOne("a.test"))));
      assert.instanceOf(error, StoreError);
      assert.strictEqual(error.reason, "Moved");
      assert.isNull((yield* loadRoll(store)).hosts.get("a.test")?.population);
    }),
  );
});
