// Where a run can die: counted points around every durable act, and what dying means at one of them.

import type { StoreShape } from "@muster/core/store/store";
import type { Handler } from "@muster/core/words/provider";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import type * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";

/**
 * - `interrupt`: the run dies within this process; nothing that goes through the points ever answers again
 * - `kill`: this process gets SIGKILL
 * - `count`: nothing dies; how many points there are
 */
export type CrashAct = "interrupt" | "kill" | "count";

/** A counter that everything in one run shares. */
export interface CrashPoints {
  /** Counts a point; at the chosen one it never returns. */
  readonly hit: (label: string) => Effect.Effect<void>;
  /** Never returns once the run has died; counts nothing. */
  readonly alive: Effect.Effect<void>;
  /** The labels that were hit, in order. */
  readonly labels: Effect.Effect<ReadonlyArray<string>>;
  /**
   * Carries out a run until it ends or dies; answers its exit, or the point that it died at.
   * A dead run is interrupted without being waited for: its finalizers reach no world any more.
   */
  readonly run: <A, E, R>(program: Effect.Effect<A, E, R>) => Effect.Effect<RunEnd<A, E>, never, R>;
}

export type RunEnd<A, E> =
  | { readonly _tag: "Ended"; readonly exit: Exit.Exit<A, E> }
  | { readonly _tag: "Died"; readonly at: number; readonly label: string };

/** Points of one run; the first has the number 1. Without `at` nothing dies. */
export const makeCrashPoints = (options: {
  readonly act: CrashAct;
  readonly at?: number;
}): Effect.Effect<CrashPoints> =>
  Effect.map(Deferred.make<Death>(), (death) => pointsOf(options.act, options.at, death));

interface Death {
  readonly at: number;
  readonly label: string;
}

const pointsOf = (
  act: CrashAct,
  at: number | undefined,
  death: Deferred.Deferred<Death>,
): CrashPoints => {
  const labels: Array<string> = [];
  const alive = Effect.suspend(() => (Deferred.isDoneUnsafe(death) ? silence : Effect.void));
  const hit = (label: string): Effect.Effect<void> =>
    Effect.andThen(
      alive,
      Effect.suspend(() => {
        labels.push(label);
        if (act === "count" || labels.length !== at) return Effect.void;
        if (act === "kill") killSelf();
        return Effect.andThen(Deferred.succeed(death, { at: labels.length, label }), silence);
      }),
    );
  return {
    hit,
    alive,
    labels: Effect.sync(() => [...labels]),
    run: (program) => runUntil(death, program),
  };
};

/** Never answers, and unlike `Effect.never` keeps no timer that would hold the process. */
export const silence: Effect.Effect<never> = Effect.callback<never>(() => {});

const killSelf = (): void => {
  if (!Number.isInteger(process.pid) || process.pid <= 1) throw new Error("no process to kill");
  process.kill(process.pid, "SIGKILL");
};

const runUntil = <A, E, R>(
  death: Deferred.Deferred<Death>,
  program: Effect.Effect<A, E, R>,
): Effect.Effect<RunEnd<A, E>, never, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkDetach(program);
    const ended = Effect.map(Fiber.await(fiber), (exit) => ({ _tag: "Ended", exit }) as const);
    const died = Effect.map(
      Deferred.await(death),
      (point) => ({ _tag: "Died", ...point }) as const,
    );
    const end = yield* Effect.raceFirst(ended, died).pipe(
      Effect.onInterrupt(() => Fiber.interrupt(fiber)),
    );
    if (end._tag === "Died") fiber.interruptUnsafe();
    return end;
  });

const around = <A, E, R>(
  points: CrashPoints,
  label: string,
  act: Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> =>
  points.hit(`before ${label}`).pipe(
    Effect.andThen(act),
    Effect.tap(() => points.hit(`after ${label}`)),
  );

const before = <A, E, R>(
  points: CrashPoints,
  label: string,
  act: Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> => Effect.andThen(points.hit(`before ${label}`), act);

const whileAlive = <A, E, R>(
  points: CrashPoints,
  act: Effect.Effect<A, E, R>,
): Effect.Effect<A, E, R> => act.pipe(Effect.tap(() => points.alive));

/** A store with a point before and after each `commit` and `claimLease`; a dead run reads nothing. */
export const crashingStore = (store: StoreShape, points: CrashPoints): StoreShape => ({
  id: store.id,
  place: store.place,
  load: (owner) => whileAlive(points, store.load(owner)),
  record: (owner, key) => whileAlive(points, store.record(owner, key)),
  owners: whileAlive(points, store.owners),
  commit: (batch) => around(points, "commit", store.commit(batch)),
  auditHead: whileAlive(points, store.auditHead),
  auditEntries: (after, limit) => whileAlive(points, store.auditEntries(after, limit)),
  lease: (owner) => whileAlive(points, store.lease(owner)),
  claimLease: (claim) => around(points, "claimLease", store.claimLease(claim)),
});

/** A handler with a point before and after each change, and one before each look. */
export const decorateHandler = (handler: Handler, points: CrashPoints): Handler => ({
  resource: handler.resource,
  observe: (requests) => before(points, "observe", handler.observe(requests)),
  look: (expansion, id) => before(points, "look", handler.look(expansion, id)),
  find: (expansion, set, member) => before(points, "find", handler.find(expansion, set, member)),
  create: (request) => around(points, "create", handler.create(request)),
  created: (expansion, accepted) => before(points, "created", handler.created(expansion, accepted)),
  mark: (request) => around(points, "mark", handler.mark(request)),
  remove: (request) => around(points, "remove", handler.remove(request)),
  removed: (expansion, accepted) => before(points, "removed", handler.removed(expansion, accepted)),
});
