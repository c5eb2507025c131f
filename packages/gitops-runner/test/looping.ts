// Runs the loop on a fake cloud and a real repository, in virtual time that moves when a test says so.

import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Queue from "effect/Queue";
import type * as Scope from "effect/Scope";
import * as TestClock from "effect/testing/TestClock";
import { Store, type StoreShape } from "@muster/core/store/store";
import type { FakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";
import { fakePace } from "@muster/testkit/fleet/turn";
import { Git, type GitRequest } from "../src/git.ts";
import type { LoopEvent, LoopState } from "../src/loop-event.ts";
import { type LoopOptions, runLoop } from "../src/loop.ts";
import type { RunError, RunOptions } from "../src/run.ts";
import { ownerOf } from "../src/url.ts";
import type { Sandbox } from "./sandbox.ts";

export const interval = 30_000;
export const documentOf = (count: number, name = "site", parallel = 5): string =>
  JSON.stringify({
    kind: "FakeFleet",
    metadata: { name },
    spec: { parallel, groups: [{ name: "web", count }] },
  });

export interface Looping {
  readonly events: ReadonlyArray<LoopEvent>;
  readonly state: () => LoopState;
  /** The next event of this sort that was not waited for yet. */
  readonly next: <Type extends LoopEvent["type"]>(
    type: Type,
  ) => Effect.Effect<Extract<LoopEvent, { readonly type: Type }>>;
  /** Lets time pass in small steps; it stands still while a git process runs. */
  readonly pass: (millis: number) => Effect.Effect<void>;
  /** Lets the interval pass, and waits until a tick has gone through. */
  readonly tick: Effect.Effect<Extract<LoopEvent, { readonly type: "ticked" }>>;
  readonly reload: Effect.Effect<unknown>;
  readonly askToStop: Effect.Effect<unknown>;
  /** Ends when the loop has. */
  readonly ended: Effect.Effect<void, RunError>;
  /** Ends the loop as a crash would: nothing of it goes on, and nothing is tidied away. */
  readonly kill: Effect.Effect<void>;
}

export interface LoopCase {
  readonly box: Sandbox;
  readonly cloud: FakeCloud;
  readonly store: StoreShape;
  readonly holder?: string;
  readonly cache?: string;
  /** It outlives the test's scope, as what was killed has to. */
  readonly detached?: boolean;
  readonly run?: Partial<RunOptions>;
  readonly loop?: Partial<LoopOptions>;
}

export const startLoop = (given: LoopCase): Effect.Effect<Looping, never, Git | Scope.Scope> =>
  Effect.gen(function* () {
    const { box, cloud, store } = given;
    const queue = yield* Queue.unbounded<LoopEvent>();
    const reload = yield* Queue.unbounded<void>();
    const stop = yield* Deferred.make<void>();
    const events: Array<LoopEvent> = [];
    let state: () => LoopState = () => {
      throw new Error("the loop has not begun");
    };
    const fiber = yield* runLoop(
      {
        settle: Effect.sync(() => ({
          repository: box.repository,
          branch: "main",
          path: ".",
          environment: "default",
          owner: ownerOf(box.repository, "default"),
          cache: given.cache ?? box.cache,
          plugins: [fakePlugin(cloud)],
          signers: null,
          holder: given.holder ?? "tester",
          pace: fakePace,
          ...given.run,
        })),
        intervalMillis: interval,
        onLoop: (event) => {
          events.push(event);
          return Queue.offer(queue, event);
        },
        onStart: (read) => Effect.sync(() => void (state = read)),
        ...given.loop,
      },
      { reload, stop },
    ).pipe(
      Effect.provideService(Store, store),
      given.detached === true ? Effect.forkDetach : Effect.forkScoped,
    );
    const next: Looping["next"] = (type) =>
      Effect.gen(function* () {
        while (true) {
          const event = yield* Queue.take(queue);
          if (isOf(event, type)) return event;
        }
      });
    const pass = (millis: number) =>
      Effect.forEach(
        Array.from({ length: Math.ceil(millis / step) }),
        () => Effect.andThen(quiet, TestClock.adjust(step)),
        { discard: true },
      ).pipe(Effect.andThen(quiet));
    return {
      events,
      pass,
      state: () => state(),
      next,
      tick: Effect.gen(function* () {
        const before = events.length;
        while (true) {
          yield* pass(step);
          const ticked = events.slice(before).find((event) => isOf(event, "ticked"));
          if (ticked !== undefined) return ticked;
        }
      }),
      reload: Queue.offer(reload, undefined),
      askToStop: Deferred.succeed(stop, undefined),
      ended: Fiber.join(fiber),
      kill: Fiber.interrupt(fiber),
    };
  });

const step = 3_000;
let running = 0;

const isOf = <Type extends LoopEvent["type"]>(
  event: LoopEvent,
  type: Type,
): event is Extract<LoopEvent, { readonly type: Type }> => event.type === type;

/** What takes real time: virtual time must not run away from it. */
const isReal = (resource: string): boolean =>
  resource === "ProcessWrap" || resource === "FSReqPromise" || resource === "FSReqCallback";

/** No git process runs, no file is waited for, and nothing of that is about to be. */
const quiet = Effect.gen(function* () {
  for (let calm = 0; calm < 30; calm += 1) {
    yield* Effect.yieldNow;
    if (running > 0 || process.getActiveResourcesInfo().some(isReal)) calm = 0;
  }
});

/** The real git, or another, with what runs of it counted. */
export const watched = <E>(layer: Layer.Layer<Git, E>): Layer.Layer<Git, E> =>
  Layer.effect(
    Git,
    Effect.map(Git, (git) => ({
      ...git,
      run: (request: GitRequest) =>
        Effect.suspend(() => {
          running += 1;
          return Effect.ensuring(
            git.run(request),
            Effect.sync(() => void (running -= 1)),
          );
        }),
    })),
  ).pipe(Layer.provide(layer));

/** Yields to the loop until it is so; virtual time stands still. */
export const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.andThen(Effect.yieldNow, until(isSo))));
