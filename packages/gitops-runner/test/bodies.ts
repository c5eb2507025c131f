// A runner that can be killed or frozen at any of its calls to the world, as a process can.

import type * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type { StoreShape } from "@muster/core/store/store";
import type { Handler } from "@muster/core/words/provider";
import { Git } from "../src/git.ts";

export interface Body {
  /** At how many calls from now on it happens; never when nothing. */
  readonly at: (calls: number, what: "dies" | "freezes") => void;
  /** It freezes when it looks at a member again, right before it writes. */
  readonly freezeAtLook: () => void;
  readonly state: () => "lives" | "frozen" | "dead";
  readonly thaw: Effect.Effect<unknown>;
  /** Its timers stand still with it. */
  readonly clock: (clock: Clock.Clock) => Clock.Clock;
  /** Lets the dead end, when the test is over and nobody looks any more. */
  readonly bury: Effect.Effect<unknown>;
  /** The same call, made by this body: never answered once it is dead, late when it is frozen. */
  readonly through: <A, E, R>(
    call: Effect.Effect<A, E, R>,
    what?: "look",
  ) => Effect.Effect<A, E, R>;
}

export const makeBody = (): Body => {
  let state: "lives" | "frozen" | "dead" = "lives";
  let left = Number.POSITIVE_INFINITY;
  let atLook = false;
  let then: "dies" | "freezes" = "dies";
  let thawed = Deferred.makeUnsafe<void>();
  const buried = Deferred.makeUnsafe<void>();

  /** A process that stands still hears of nothing: whatever ends meanwhile ends when it goes on. */
  const pass: Effect.Effect<void> = Effect.suspend(() => {
    if (state === "dead") return Deferred.await(buried);
    return state === "frozen"
      ? Effect.uninterruptible(Effect.andThen(Deferred.await(thawed), pass))
      : Effect.void;
  });
  const count = Effect.sync(() => {
    left -= 1;
    if (left > 0 || state !== "lives") return;
    state = then === "dies" ? "dead" : "frozen";
    left = Number.POSITIVE_INFINITY;
  });
  return {
    at: (calls, what) => {
      left = calls;
      then = what;
    },
    freezeAtLook: () => {
      atLook = true;
    },
    state: () => state,
    thaw: Effect.suspend(() => {
      if (state === "frozen") state = "lives";
      left = Number.POSITIVE_INFINITY;
      const before = thawed;
      thawed = Deferred.makeUnsafe<void>();
      return Deferred.succeed(before, undefined);
    }),
    clock: (clock) => ({
      ...clock,
      currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
      currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
      monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
      sleep: (duration) => Effect.andThen(clock.sleep(duration), pass),
    }),
    bury: Deferred.succeed(buried, undefined),
    // Half of the points lie before a call, half after it: what was asked happened, and nobody heard.
    through: (call, what) =>
      Effect.sync(() => {
        if (what !== "look" || !atLook) return;
        atLook = false;
        state = "frozen";
      }).pipe(
        Effect.andThen(count),
        Effect.andThen(pass),
        Effect.andThen(Effect.exit(call)),
        Effect.tap(() => Effect.andThen(count, pass)),
        Effect.flatMap((exit) => exit),
      ),
  };
};

export const storeOf = (body: Body, store: StoreShape): StoreShape => ({
  ...store,
  load: (owner) => body.through(store.load(owner)),
  record: (owner, key) => body.through(store.record(owner, key)),
  commit: (batch) => body.through(store.commit(batch)),
  auditHead: body.through(store.auditHead),
  auditEntries: (after, limit) => body.through(store.auditEntries(after, limit)),
});

export const handlerOf = (body: Body, handler: Handler): Handler => ({
  resource: handler.resource,
  observe: (requests) => body.through(handler.observe(requests)),
  look: (expansion, id) => body.through(handler.look(expansion, id), "look"),
  find: (expansion, set, member) => body.through(handler.find(expansion, set, member)),
  create: (request) => body.through(handler.create(request)),
  created: (expansion, accepted) => body.through(handler.created(expansion, accepted)),
  mark: (request) => body.through(handler.mark(request)),
  remove: (request) => body.through(handler.remove(request)),
  removed: (expansion, accepted) => body.through(handler.removed(expansion, accepted)),
});

export const gitOf = (body: Body): Layer.Layer<Git, never, Git> =>
  Layer.effect(
    Git,
    Effect.map(Git, (git) => ({ ...git, run: (request) => body.through(git.run(request)) })),
  );
