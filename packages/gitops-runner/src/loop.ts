// Runs for ever: looks at the repository and the world again and again, and works on each document by itself.
//
// A tick reads where the branches stand, looks at what is idle and due, and begins work on what needs
// it. The next tick comes after the interval, whether that work has ended or not. When the last work
// ends, status, audit and the lease's release are pushed together. A tick that finds nothing to do
// writes nothing and pushes nothing.

import * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Option from "effect/Option";
import * as Queue from "effect/Queue";
import * as Random from "effect/Random";
import * as Scope from "effect/Scope";
import { Lease, type LeaseError } from "@muster/core/lease/lease";
import { type Engine, makeEngine } from "@muster/core/loop/engine";
import { type Ladder, waitAfterFailures } from "@muster/core/loop/ladder";
import { openRegistry, type Registry } from "@muster/core/loop/registry";
import { reading } from "@muster/core/report/steps";
import { Store, StoreError } from "@muster/core/store/store";
import type { Git } from "./git.ts";
import type { LoopEvent, LoopState, Trouble } from "./loop-event.ts";
import { newMemory, noteSource, readOnce, stateOf } from "./loop-memory.ts";
import { sayNews } from "./loop-say.ts";
import { type LoopTraces, makeLoopTraces } from "./loop-trace.ts";
import { type RunError, type RunOptions, turnInput } from "./run.ts";
import { makeSourceReader, type SourceReader } from "./source.ts";
import { currentTrace, noteHead } from "./trace.ts";
import { makeWatchedLease, type WatchedLease } from "./watched-lease.ts";

export interface LoopOptions {
  /** Settled at the start and again at every reload: configuration, credentials, signers. */
  readonly settle: Effect.Effect<Omit<RunOptions, "run">, RunError>;
  /** Between the beginnings of two ticks, in milliseconds; jittered by a tenth. */
  readonly intervalMillis: number;
  /** The longest wait of a document that meets trouble again and again; 30 minutes when not given. */
  readonly longestWaitMillis?: number;
  /** How long a stop waits for changes that were begun, in milliseconds; 25 000 when not given. */
  readonly graceMillis?: number;
  readonly onLoop: (event: LoopEvent) => Effect.Effect<void>;
  /** Given once, before the first tick: how the loop stands, whenever asked. */
  readonly onStart?: (state: () => LoopState) => Effect.Effect<void>;
}

/** How the loop is told from outside. */
export interface LoopSignals {
  /** Settles anew, and makes everything due at once. */
  readonly reload: Queue.Dequeue<void>;
  /** Begins nothing any more, waits for what was begun, says what became of it, and ends. */
  readonly stop: Deferred.Deferred<void>;
}

type Wake = "ended" | "reload" | "stop";

/** A repository or store that cannot be used is tried again after at most this, in milliseconds. */
const longestLoopWait = 300_000;
const longestUnitWait = 1_800_000;
const usualGrace = 25_000;

/** Ends only after `stop`. Fails when the first settling does; later trouble is told and tried again. */
export const runLoop = (
  options: LoopOptions,
  signals: LoopSignals,
): Effect.Effect<void, RunError, Git | Store> => Effect.scoped(loop(options, signals));

const loop = Effect.fnUntraced(function* (
  options: LoopOptions,
  signals: LoopSignals,
): Effect.fn.Return<void, RunError, Git | Store | Scope.Scope> {
  const wakes = yield* Queue.unbounded<Wake>();
  yield* Effect.forkScoped(forward(signals, wakes));
  const tell = options.onLoop;
  const engine: Engine = yield* makeEngine({
    ladder: ladderOf(options),
    onEnded: (ended) =>
      Effect.all([
        Effect.sync(() => void (memory.news = true)),
        traces.noteOutcomes(ended.outcomes),
        tell({ type: "ended", ended }),
        Queue.offer(wakes, "ended"),
      ]),
    onStanding: (document, standing) => tell({ type: "standing", document, standing }),
  });
  const traces: LoopTraces = yield* makeLoopTraces(() => engine.session() !== null);
  const first = yield* options.settle;
  // One for all reloads: it must know what it holds. Nothing of it comes from what is read anew.
  const watched = yield* makeWatchedLease(first);
  let runner = yield* openRunner(first, watched);
  const memory = newMemory(yield* Clock.currentTimeMillis);
  /** Handlers from before a reload, while something is still worked on with them. */
  let former: ReadonlyArray<Scope.Closeable> = [];
  const state = (): LoopState => stateOf(memory, engine.units(), engine.held() !== null);
  yield* options.onStart?.(state) ?? Effect.void;

  /** Answers when that is, for people; the wait itself does not depend on their clock. */
  const nextTickIn = Effect.fnUntraced(function* (millis: number) {
    memory.dueAt = (yield* monotonicMillis) + millis;
    return (yield* Clock.currentTimeMillis) + millis;
  });

  /** What is worked on keeps its handlers to the end. */
  const closeFormer = Effect.suspend(() => {
    if (engine.busy() > 0) return Effect.void;
    const over = former;
    former = [];
    return Effect.forEach(over, (scope) => Scope.close(scope, Exit.void), { discard: true });
  });

  const reload = Effect.gen(function* () {
    const next = yield* openRunner(yield* options.settle, watched);
    former = [...former, runner.scope];
    runner = next;
    yield* closeFormer;
    engine.hurry();
    yield* nextTickIn(0);
    yield* tell({ type: "reloaded" });
  }).pipe(
    Effect.catch((error) => trouble(error)),
    Effect.catchDefect((defect) => trouble(bug(defect))),
  );

  const trouble = Effect.fnUntraced(function* (error: Failure) {
    memory.failures += 1;
    memory.trouble = troubleOf(error);
    yield* traces.noteFault({ type: memory.trouble.reason, message: memory.trouble.message });
    const ladder = { firstMillis: options.intervalMillis, longestMillis: longestLoopWait };
    const wait = waitAfterFailures(memory.failures, ladder, yield* Random.next);
    const againAt = yield* nextTickIn(wait);
    yield* tell({ type: "trouble", error: memory.trouble, againAt });
  });

  const taken = Effect.fnUntraced(function* (error: LeaseError) {
    const now = yield* Clock.currentTimeMillis;
    const dice = yield* Random.next;
    const left = Math.max(0, (error.heldUntil ?? now) - now);
    const againAt = yield* nextTickIn(Math.min(left, options.intervalMillis) + 50 + 450 * dice);
    memory.lastGoodTickAt = now;
    const again = memory.takenBy === error.message;
    memory.takenBy = error.message;
    yield* tell({ type: "taken", error, againAt, again });
  });

  const failed = (error: Failure): Effect.Effect<void> =>
    error._tag === "LeaseError" && error.reason === "Taken" ? taken(error) : trouble(error);

  /** Says what is news, when there is any; the lease goes with it when nobody works any more. */
  const publish = Effect.fnUntraced(function* (move: "Renew" | "Release") {
    const session = engine.session();
    const published = yield* Effect.scoped(
      sayNews(memory, {
        options: runner.options,
        lease: runner.watched.lease,
        run: session?.run ?? crypto.randomUUID(),
        plans: session?.plans ?? [],
        held: engine.held() === null ? null : runner.watched.held(),
        move,
      }),
    );
    if (published !== null) yield* tell({ type: "published", published });
  });

  const tick = Effect.gen(function* () {
    memory.ticks += 1;
    memory.lastTickAt = yield* Clock.currentTimeMillis;
    yield* nextTickIn(options.intervalMillis * (0.9 + 0.2 * (yield* Random.next)));
    const source = yield* runner.reader.read;
    if (source.sighting.head !== memory.head) {
      yield* tell({
        type: "source",
        head: source.sighting.head,
        verification: source.verification,
      });
    }
    noteSource(memory, source);
    yield* noteHead(runner.options, source.sighting.head);
    const { documents, diagnostics } = yield* reading(() =>
      readOnce(memory, runner.registry, source),
    );
    memory.faults = diagnostics.filter(({ severity }) => severity === "error").length;
    if (memory.faults > 0) {
      if (memory.toldFaults !== source.sighting.head) yield* tell({ type: "faults", diagnostics });
      memory.toldFaults = source.sighting.head;
      return { looked: 0, begun: 0, news: false, statuses: null };
    }
    const store = yield* Store;
    const run = engine.session()?.run ?? crypto.randomUUID();
    const { registry, options: given } = runner;
    const input = {
      ...turnInput({ options: { ...given, run }, source, registry, chain: store.id, run }),
      ...(yield* currentTrace),
    };
    const ticked = yield* engine
      .tick(input, documents)
      .pipe(Effect.provideService(Lease, runner.watched.lease));
    memory.documents = documents;
    memory.news ||= ticked.news;
    memory.statuses = ticked.statuses;
    if (ticked.begun > 0) yield* traces.noteWork(run);
    if (source.news !== null && !ticked.news) {
      yield* store.commit({ owner: given.owner, ...source.news });
    }
    return ticked;
  });

  const wentWell = Effect.gen(function* () {
    memory.failures = 0;
    memory.trouble = null;
    memory.takenBy = null;
    memory.lastGoodTickAt = yield* Clock.currentTimeMillis;
  });

  /** When nobody works any more, all is said and the lease goes. */
  const settleSession = Effect.suspend(() =>
    engine.session() === null ? publish("Release") : engine.end(publish("Release")),
  );

  const tickWhole = Effect.gen(function* () {
    // A look may take long, and writes nothing: who asks to stop need not wait for its end.
    const ticked = yield* Effect.raceFirst(tick, Effect.as(Deferred.await(signals.stop), null));
    if (ticked === null) return;
    if (engine.busy() === 0) yield* settleSession;
    // Work that goes on is told from tick to tick; what has just begun has nothing to tell.
    else if (ticked.begun === 0) yield* publish("Renew");
    yield* wentWell;
    yield* tell({ type: "ticked", ticked, state: state() });
  }).pipe(
    Effect.catch(failed),
    Effect.catchDefect((defect) => trouble(bug(defect))),
  );

  const afterEnd = Effect.gen(function* () {
    const failure = engine.session()?.failure ?? null;
    if (failure !== null) yield* engine.interrupt;
    if (engine.busy() === 0 && engine.session() !== null) yield* settleSession;
  }).pipe(
    Effect.catch(failed),
    Effect.catchDefect((defect) => trouble(bug(defect))),
  );

  const stop = Effect.gen(function* () {
    engine.drain(stopping);
    yield* tell({ type: "stopping", busy: engine.busy() });
    const until = (yield* monotonicMillis) + (options.graceMillis ?? usualGrace);
    while (engine.busy() > 0) {
      const left = until - (yield* monotonicMillis);
      if (left <= 0) break;
      yield* Effect.timeoutOption(Queue.take(wakes), left);
    }
    const interrupted = engine.busy();
    yield* engine.interrupt;
    yield* settleSession.pipe(Effect.catch(failed));
    yield* tell({ type: "stopped", interrupted });
  });

  while (true) {
    const left = memory.dueAt - (yield* monotonicMillis);
    const wake =
      left <= 0 ? yield* Queue.poll(wakes) : yield* Effect.timeoutOption(Queue.take(wakes), left);
    if (Option.isNone(wake)) {
      yield* traces.within(runner.options, tickWhole);
    } else if (wake.value === "stop") {
      return yield* engine.session() === null ? stop : traces.within(runner.options, stop);
    } else if (wake.value === "reload") {
      yield* reload;
    } else {
      yield* engine.session() === null ? afterEnd : traces.within(runner.options, afterEnd);
      yield* closeFormer;
    }
  }
});

/** Whatever becomes of the clock that people read. */
const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6);

type Failure = RunError;

const forward = (signals: LoopSignals, wakes: Queue.Queue<Wake>): Effect.Effect<never> =>
  Effect.gen(function* () {
    yield* Effect.forkChild(
      Effect.andThen(Deferred.await(signals.stop), Queue.offer(wakes, "stop")),
    );
    return yield* Effect.forever(
      Effect.andThen(Queue.take(signals.reload), Queue.offer(wakes, "reload")),
    );
  });

const ladderOf = (options: LoopOptions): Ladder => ({
  firstMillis: options.intervalMillis,
  longestMillis: options.longestWaitMillis ?? longestUnitWait,
});

/** What stands between two reloads. */
interface Runner {
  readonly options: Omit<RunOptions, "run">;
  readonly registry: Registry;
  readonly reader: SourceReader;
  readonly watched: WatchedLease;
  readonly scope: Scope.Closeable;
}

const openRunner = Effect.fnUntraced(function* (
  options: Omit<RunOptions, "run">,
  watched: WatchedLease,
): Effect.fn.Return<Runner, RunError, Git | Store | Scope.Scope> {
  const scope = yield* Effect.flatMap(Effect.scope, (parent) => Scope.fork(parent));
  return {
    options,
    scope,
    registry: yield* Scope.provide(openRegistry(options.plugins), scope),
    reader: makeSourceReader(options),
    watched,
  };
});

const stopping = {
  reason: { code: "Stopping", text: "the runner is about to stop" },
  remedy: "the next run goes on from there",
};

const troubleOf = (error: Failure): Trouble => ({
  reason: "reason" in error ? error.reason : error._tag,
  message: error.message,
  remedy: error.remedy ?? null,
});

const bug = (defect: unknown): StoreError =>
  new StoreError({
    reason: "Unavailable",
    place: "loop",
    message: `internal error: ${Cause.pretty(Cause.die(defect))}`,
    remedy: "this is a fault in muster: please report it",
  });
