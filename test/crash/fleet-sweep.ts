// Kills operations on one fleet at a point, and lets the same command, run again, finish them.

import * as assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { verifyChain } from "@muster/core";
import { journalledMemory } from "@muster/testkit/store/journalled-memory";
import { makeCrashPoints } from "@muster/testkit/store/crash";
import { seeded } from "./seeded.ts";
import { expectNoHarm, live, pastLease } from "./sweep.ts";
import { openWorld, type World } from "./world.ts";

export interface FleetCase {
  /** What stands there before; it is asked for by hand, too. */
  readonly before: number;
  readonly operation: ReadonlyArray<string>;
  readonly after: number;
  /** The point to die at; nothing counts points without dying. */
  readonly at?: number;
}

/** The launches and removals of the operation, in their order, and what its second run said. */
export interface FleetSweep {
  readonly labels: ReadonlyArray<string>;
  readonly steps: ReadonlyArray<string>;
  readonly told: string;
  readonly died: boolean;
  /** Members of before that live on. */
  readonly left: number;
}

const sweepFleet = (one: FleetCase): Effect.Effect<FleetSweep, never, Scope.Scope> =>
  Effect.gen(function* () {
    const world = yield* openWorld({ command: "apply" });
    yield* world.ask(1);
    const disk = journalledMemory();
    const lifeAt = (points: Effect.Success<ReturnType<typeof makeCrashPoints>>, later: number) =>
      Effect.map(disk.reopen, (store) => ({ points, store: () => Effect.succeed(store), later }));
    const whole = yield* makeCrashPoints({ act: "count" });
    const first = yield* lifeAt(whole, 0);
    const act = (life: typeof first, words: ReadonlyArray<string>) =>
      world.act(life, ["fleet", ...words, "-f", world.file]);
    assert.equal(yield* act(first, ["scale", String(one.before)]), 0);
    const old = live(world).map(({ id }) => id);
    const since = world.simulator.journal().length;

    const points = yield* makeCrashPoints({
      act: one.at === undefined ? "count" : "interrupt",
      ...(one.at === undefined ? {} : { at: one.at }),
    });
    const life = yield* lifeAt(points, 1_000);
    const end = yield* points.run(act(life, one.operation));
    const died = end._tag === "Died";
    const labels = yield* points.labels;
    assert.ok(one.at === undefined || died || labels.length < one.at, "it should have died");
    if (!died) assert.ok(end.exit._tag === "Success" && end.exit.value === 0, world.told());
    if (died) {
      const heir = yield* lifeAt(whole, pastLease);
      assert.equal(yield* act(heir, one.operation), 0, world.told());
    }
    const told = world.told();
    yield* expectSound(world, disk, one.after);
    return {
      labels,
      steps: stepsOf(world, since),
      told,
      died,
      left: live(world).filter(({ id }) => old.includes(id)).length,
    };
  });

const expectSound = (world: World, disk: ReturnType<typeof journalledMemory>, after: number) =>
  Effect.gen(function* () {
    expectNoHarm(world);
    assert.equal(live(world).length, after);
    const store = yield* disk.reopen;
    const entries = yield* Effect.orDie(store.auditEntries(0, 10_000));
    assert.equal(verifyChain(entries), undefined);
  });

const stepsOf = (world: World, since: number): ReadonlyArray<string> =>
  world.simulator
    .journal()
    .slice(since)
    .map(({ operation }) => (operation === "LaunchInstance" ? "+" : "-"));

/** A few points of the operation, chosen by a fixed seed, one after the other. */
export const sweepSome = (
  one: FleetCase,
  many: number,
  expect: (swept: FleetSweep) => void,
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const whole = yield* Effect.scoped(sweepFleet(one));
    expect(whole);
    for (const at of seeded(whole.labels.length, many)) {
      yield* Effect.scoped(sweepFleet({ ...one, at })).pipe(
        Effect.tap((swept) => Effect.sync(() => expect(swept))),
        Effect.catchDefect((defect) =>
          Effect.die(
            new Error(
              `${one.operation.join(" ")}, point ${at} of ${whole.labels.length} (${whole.labels[at - 1]}): ${String(defect)}`,
            ),
          ),
        ),
      );
    }
  });
