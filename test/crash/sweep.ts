// The kill sweep: 3 → 5 → 2, dead at one point, taken up by a successor, and what must hold then.

import * as assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { journalledMemory, type JournalledMemory } from "@muster/testkit/store/journalled-memory";
import { type CrashPoints, makeCrashPoints } from "@muster/testkit/store/crash";
import { parseMember, verifyChain } from "@muster/core";
import { type Command, openWorld, type World } from "./world.ts";

export const counts = [3, 5, 2] as const;

export interface Case {
  readonly command: Command;
  /** The point to die at; nothing counts points without dying. */
  readonly at?: number;
  /** Whether the successor has the dead one's store, or an empty one and a list that lags 30 s. */
  readonly successor: "same store" | "empty store, lagging list";
}

export interface Sweep {
  readonly labels: ReadonlyArray<string>;
  readonly mutations: number;
  readonly pushes: number;
}

/** Later than any lease of a dead life. */
export const pastLease = 200_000;
export const lagMillis = 30_000;

/** Carries one case out; fails by assertion. */
export const sweepCase = (one: Case): Effect.Effect<Sweep, never, Scope.Scope> =>
  Effect.gen(function* () {
    const world = yield* openWorld({
      command: one.command,
      listLagMs: one.successor === "same store" ? 0 : lagMillis,
      usedTokenOfDead: (one.at ?? 0) % 2 === 0 ? "instance" : "conflict",
    });
    const points = yield* makeCrashPoints({
      act: one.at === undefined ? "count" : "interrupt",
      ...(one.at === undefined ? {} : { at: one.at }),
    });
    const disk = journalledMemory();
    const life = yield* makeLife(disk, points, 0);
    let reached = 0;
    const sequence = Effect.gen(function* () {
      for (const [index, count] of counts.entries()) {
        reached = index;
        yield* world.ask(count);
        yield* expectCode(world, life, count);
      }
    });
    const end = yield* points.run(sequence);
    if (end._tag === "Ended" && end.exit._tag === "Failure")
      return yield* Effect.failCause(end.exit.cause);
    const hits = (yield* points.labels).length;
    assert.ok(one.at === undefined || end._tag === "Died" || hits < one.at, "it should have died");
    if (end._tag === "Died") {
      const heir = one.successor === "same store" ? disk : journalledMemory();
      const lists = one.successor === "same store" ? "tell" : "lag";
      yield* takeUp(world, heir, counts.slice(reached), lists);
    }
    yield* expectWhole(world);
    return {
      labels: yield* points.labels,
      mutations: world.simulator.journal().length,
      pushes: yield* Effect.promise(() => world.pushes()),
    };
  });

const makeLife = (disk: JournalledMemory, points: CrashPoints, later: number) =>
  Effect.map(disk.reopen, (store) => ({ points, store: () => Effect.succeed(store), later }));

/** The successor converges on what was asked when the first one died, then on the rest. */
const takeUp = (
  world: World,
  disk: JournalledMemory,
  left: ReadonlyArray<number>,
  lists: "lag" | "tell",
) =>
  Effect.gen(function* () {
    const points = yield* makeCrashPoints({ act: "count" });
    for (const [index, count] of left.entries()) {
      const life = yield* makeLife(disk, points, pastLease * (index + 1));
      if (index > 0) yield* world.ask(count);
      yield* expectCode(world, life, count);
      if (lists === "lag") {
        // What it could not see it could not remove: the next run sees it.
        world.simulator.advance(lagMillis);
        yield* expectCode(world, life, count);
      }
      assert.equal(live(world).length, count, `after ${count} was asked`);
    }
    const journal = world.simulator.journal().length;
    world.simulator.advance(lagMillis);
    const life = yield* makeLife(disk, points, pastLease * (left.length + 1));
    const store = yield* life.store();
    yield* expectCode(world, life, left.at(-1)!);
    assert.equal(world.simulator.journal().length, journal, "a converged command changes nothing");
    const entries = yield* Effect.orDie(store.auditEntries(0, 10_000));
    assert.equal(verifyChain(entries), undefined);
  });

const expectCode = (world: World, life: Parameters<World["command"]>[0], count: number) =>
  Effect.map(world.command(life), (code) => assert.equal(code, 0, `asked for ${count}`));

export const live = (world: World) =>
  world.simulator
    .instances()
    .filter(
      ({ freeformTags, lifecycleState }) =>
        freeformTags["fleetctl-fleet"] === "web" &&
        !["STOPPING", "STOPPED", "TERMINATING", "TERMINATED"].includes(lifecycleState),
    );

/** No member twice, none lost, no stranger touched; what is left fills the lowest slots. */
export const expectWhole = (world: World) =>
  Effect.sync(() => {
    expectNoHarm(world);
    const left = slotsOf(world);
    assert.deepEqual(left, [1, 2]);
  });

const slotsOf = (world: World): ReadonlyArray<number> =>
  live(world)
    .map(({ freeformTags }) => parseMember(freeformTags["muster-member"]!)!.slot)
    .sort();

/** No member twice, no slot twice, no stranger touched. */
export const expectNoHarm = (world: World): void => {
  const launched = world.simulator
    .journal()
    .filter((entry) => entry.operation === "LaunchInstance")
    .map((entry) => entry.freeformTags?.["muster-member"] ?? "");
  assert.deepEqual(launched, [...new Set(launched)], "no slot and generation was launched twice");
  const strangers = world.simulator
    .instances()
    .filter((instance) => instance.freeformTags["fleetctl-fleet"] !== "web");
  assert.deepEqual(
    strangers.map(({ lifecycleState }) => lifecycleState),
    ["RUNNING", "RUNNING"],
    "nobody else's machine was touched",
  );
  const touched = new Set(world.simulator.journal().map((entry) => entry.instanceId));
  assert.ok(strangers.every(({ id }) => !touched.has(id)));
  const slots = slotsOf(world);
  assert.deepEqual(slots, [...new Set(slots)], "no slot has two members");
};
