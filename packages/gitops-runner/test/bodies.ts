// A runner that can be killed or frozen at any of its calls to the world, as a process can.

import type * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type { StoreShape } from "@muster/core/store/store";
import type { Handler } from "@muster/core/words/provider";
import { Git, type GitRequest } from "../src/git.ts";

/**
 * What a runner asks of the world: a `look` at one member comes right before a write, a `write` makes
 * or removes one, a `commit` tells the store, a `publish` pushes the status.
 */
export type Call = "look" | "write" | "commit" | "publish" | "other";

export interface Body {
  /** It happens before the first call of this sort, or after it; any sort when none is given. */
  readonly at: (calls: number, what: "dies" | "freezes", sort?: Call) => void;
  readonly state: () => "lives" | "frozen" | "dead";
  readonly thaw: Effect.Effect<unknown>;
  /** Its timers stand still with it. */
  readonly clock: (clock: Clock.Clock) => Clock.Clock;
  /** Lets the dead end, when the test is over and nobody looks any more. */
  readonly bury: Effect.Effect<unknown>;
  /** The same call, made by this body: never answered once it is dead, late when it is frozen. */
  readonly through: <A, E, R>(call: Effect.Effect<A, E, R>, sort?: Call) => Effect.Effect<A, E, R>;
}

export const makeBody = (): Body => {
  let state: "lives" | "frozen" | "dead" = "lives";
  let left = Number.POSITIVE_INFINITY;
  let then: "dies" | "freezes" = "dies";
  let aim: Call | undefined;
  let thawed = Deferred.makeUnsafe<void>();
  const buried = Deferred.makeUnsafe<void>();

  /** A process that stands still hears of nothing: whatever ends meanwhile ends when it goes on. */
  const pass: Effect.Effect<void> = Effect.suspend(() => {
    if (state === "dead") return Deferred.await(buried);
    return state === "frozen"
      ? Effect.uninterruptible(Effect.andThen(Deferred.await(thawed), pass))
      : Effect.void;
  });
  const count = (sort: Call) =>
    Effect.sync(() => {
      if (aim !== undefined && aim !== sort) return;
      left -= 1;
      if (left > 0 || state !== "lives") return;
      state = then === "dies" ? "dead" : "frozen";
      left = Number.POSITIVE_INFINITY;
    });
  return {
    at: (calls, what, sort) => {
      left = calls;
      then = what;
      aim = sort;
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
    through: (call, sort = "other") =>
      count(sort).pipe(
        Effect.andThen(pass),
        Effect.andThen(Effect.exit(call)),
        Effect.tap(() => Effect.andThen(count(sort), pass)),
        Effect.flatMap((exit) => exit),
      ),
  };
};

export const storeOf = (body: Body, store: StoreShape): StoreShape => ({
  ...store,
  load: (owner) => body.through(store.load(owner)),
  record: (owner, key) => body.through(store.record(owner, key)),
  commit: (batch) => body.through(store.commit(batch), "commit"),
  lease: (owner) => body.through(store.lease(owner)),
  claimLease: (claim) => body.through(store.claimLease(claim)),
  auditHead: body.through(store.auditHead),
  auditEntries: (after, limit) => body.through(store.auditEntries(after, limit)),
});

export const handlerOf = (body: Body, handler: Handler): Handler => ({
  resource: handler.resource,
  observe: (requests) => body.through(handler.observe(requests)),
  look: (expansion, id) => body.through(handler.look(expansion, id), "look"),
  find: (expansion, set, member) => body.through(handler.find(expansion, set, member)),
  create: (request) => body.through(handler.create(request), "write"),
  created: (expansion, accepted) => body.through(handler.created(expansion, accepted)),
  mark: (request) => body.through(handler.mark(request)),
  remove: (request) => body.through(handler.remove(request), "write"),
  removed: (expansion, accepted) => body.through(handler.removed(expansion, accepted)),
});

export const gitOf = (body: Body): Layer.Layer<Git, never, Git> =>
  Layer.effect(
    Git,
    Effect.map(Git, (git) => ({
      ...git,
      run: (request) => body.through(git.run(request), isPublish(request) ? "publish" : "other"),
    })),
  );

const isPublish = ({ operation, arguments: words }: GitRequest): boolean =>
  operation === "push" && words.some((word) => word.includes(":refs/heads/muster/status/"));
