// The kill sweep with a fault switched on: dead at one point, taken up, the fault gone, and what must hold then.

import * as assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { journalledMemory, type JournalledMemory } from "@muster/testkit/store/journalled-memory";
import { type CrashPoints, makeCrashPoints } from "@muster/testkit/store/crash";
import type { FaultCase } from "./fault-cases.ts";
import { asksForStopped, expectReason, quarantineIn, stops } from "./answer.ts";
import { expectAnnounced, expectAnswered, memoryIn } from "./recorded.ts";
import { counts, expectNoHarm, lagMillis, live, pastLease } from "./sweep.ts";
import { type Command, type Life, openWorld, type World } from "./world.ts";

export interface FaultSweep {
  readonly command: Command;
  readonly fault: FaultCase;
  /** The point to die at; nothing counts points without dying. */
  readonly at?: number;
}

/** Short: whoever waits for a fault to pass waits in vain. */
const impatience = {
  looksAgain: 1,
  unreachableMillis: 60,
  throttledMillis: 60,
  createMillis: 1_000,
  removeMillis: 1_000,
};

/** More lives than this are no convergence. */
const mostLives = 12;

export interface FaultSwept {
  /** How many points the case had until it died. */
  readonly points: number;
  readonly died: boolean;
  /** How many requests the fault struck. */
  readonly strikes: number;
}

/** Carries one case out. Fails by assertion. */
export const sweepFault = (one: FaultSweep): Effect.Effect<FaultSwept, never, Scope.Scope> =>
  Effect.gen(function* () {
    const world = yield* openWorld({
      command: one.command,
      json: true,
      listLagMs: listsLag(one) ? lagMillis : 0,
      simulated: one.fault.simulated(one.at ?? 0),
    });
    const points = yield* makeCrashPoints({
      act: one.at === undefined ? "count" : "interrupt",
      ...(one.at === undefined ? {} : { at: one.at }),
    });
    const disk = journalledMemory();
    const course: Course = { ...one, world, disk, lives: 0 };
    let reached = 0;
    const sequence = Effect.gen(function* () {
      for (const [index, count] of counts.entries()) {
        reached = index;
        yield* world.ask(count);
        yield* liveOn(course, points, endOf(course));
      }
    });
    const end = yield* points.run(sequence);
    if (end._tag === "Ended" && end.exit._tag === "Failure") {
      return yield* Effect.failCause(end.exit.cause);
    }
    if (end._tag === "Died") yield* takeUp(course, leftOf(one, reached));
    yield* comeToRest(course);
    return {
      points: (yield* points.labels).length,
      died: end._tag === "Died",
      strikes: world.simulator.requests().filter(({ fault }) => fault !== undefined).length,
    };
  });

interface Course extends FaultSweep {
  readonly world: World;
  readonly disk: JournalledMemory;
  lives: number;
}

/**
 * At two points of four the successor's first list is older than the dead one's last request: only
 * its records and the same token keep it from doing that again.
 */
const listsLag = ({ at = 0 }: FaultSweep): boolean => at % 4 >= 2;

/** Every other successor finds that less was asked for meanwhile. */
const leftOf = (one: FaultSweep, reached: number): ReadonlyArray<number> =>
  (one.at ?? 0) % 2 === 0 ? counts.slice(reached) : counts.slice(-1);

const takeUp = (course: Course, left: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const points = yield* makeCrashPoints({ act: "count" });
    for (const count of left) {
      yield* course.world.ask(count);
      yield* liveOn(course, points, endOf(course));
    }
  });

const lifeOf = (course: Course, points: CrashPoints): Effect.Effect<Life> =>
  Effect.map(course.disk.reopen, (store) => {
    course.lives += 1;
    return {
      points,
      store: () => Effect.succeed(store),
      later: pastLease * course.lives,
      pace: impatience,
      ...(course.fault.callMillis === undefined ? {} : { callMillis: course.fault.callMillis }),
    };
  });

/** What OCI called wrong is in quarantine until a person speaks: `run` stops there, `apply` does not. */
const mayQuarantine = ({ command, fault }: Course): boolean =>
  command === "run" && fault.callsInvalid;

const endOf = (course: Course): FaultCase["end"] =>
  mayQuarantine(course) ? "may stop" : course.fault.end;

/**
 * Runs again and again, as an operator or a timer does, until it is done or says the same twice.
 * Where it must converge, a person does what a quarantine or stopped machines ask for.
 */
const liveOn = (course: Course, points: CrashPoints, end: FaultCase["end"]) =>
  Effect.gen(function* () {
    const { world } = course;
    const codes: Array<number> = [];
    while (codes.length < mostLives) {
      const code = yield* world.command(yield* lifeOf(course, points));
      codes.push(code);
      if (code === 0) return;
      expectReason(code, world.told(), yield* memoryOf(course));
      const digest = quarantineIn(world.told());
      assert.ok(digest === undefined || mayQuarantine(course), `quarantine: ${world.told()}`);
      if (end === "may stop" && stops.includes(code) && codes.at(-2) === code) return;
      if (end === "converges" && digest !== undefined) yield* consent(course, points, digest);
      if (asksForStopped(world.told())) {
        assert.equal(course.fault.fault, "stop", `machines stopped: ${world.told()}`);
        if (end === "converges") terminateStopped(world);
      }
      world.simulator.advance(lagMillis);
    }
    assert.fail(`no end after exit codes ${codes.join(", ")}: ${world.told().slice(-4_000)}`);
  });

const consent = (course: Course, points: CrashPoints, digest: string) =>
  Effect.gen(function* () {
    const code = yield* course.world.approve(yield* lifeOf(course, points), digest);
    assert.equal(code, 0, `approve: ${course.world.told()}`);
  });

/** What the remedy says: a person ends those that stopped. */
const terminateStopped = ({ simulator }: World): void => {
  for (const { id, lifecycleState } of simulator.instances()) {
    if (lifecycleState === "STOPPED") simulator.kill(id);
  }
};

/** The fault is gone: what was asked last comes true, and then nothing moves any more. */
const comeToRest = (course: Course) =>
  Effect.gen(function* () {
    const { world } = course;
    yield* expectRecorded(course);
    world.simulator.faults.clear();
    world.simulator.advance(lagMillis);
    const points = yield* makeCrashPoints({ act: "count" });
    if (course.fault.name !== "a clock that is wrong") {
      yield* liveOn(course, points, "converges");
      assert.equal(live(world).length, counts.at(-1), "the number that was asked for last");
      world.simulator.advance(lagMillis);
      const changes = world.simulator.journal().length;
      yield* liveOn(course, points, "converges");
      assert.equal(
        world.simulator.journal().length,
        changes,
        "a converged command changes nothing",
      );
    }
    expectNoHarm(world);
    yield* expectRecorded(course);
  });

const memoryOf = (course: Course) => Effect.flatMap(course.disk.reopen, memoryIn);

const expectRecorded = (course: Course) =>
  Effect.map(memoryOf(course), (memory) => {
    expectAnswered(memory);
    expectAnnounced(memory.entries, course.world.simulator.journal());
  });
