// A runner that can be killed or frozen at any of its calls to the world, as a process can.

import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type { StoreShape } from "@muster/core/store/store";
import type { Handler } from "@muster/core/words/provider";
import { Git } from "../src/git.ts";

export interface Body {
  /** At how many calls from now on it happens; never when nothing. */
  readonly at: (calls: number, what: "dies" | "freezes") => void;
  readonly state: () => "lives" | "frozen" | "dead";
  readonly thaw: Effect.Effect<unknown>;
  /** Lets the dead end, when the test is over and nobody looks any more. */
  readonly bury: Effect.Effect<unknown>;
  /** The same call, made by this body: never answered once it is dead, late when it is frozen. */
  readonly through: <A, E, R>(call: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>;
}

export const makeBody = (): Body => {
  let state: "lives" | "frozen" | "dead" = "lives";
  let left = Number.POSITIVE_INFINITY;
  let then: "dies" | "freezes" = "dies";
  let thawed = Deferred.makeUnsafe<void>();
  const buried = Deferred.makeUnsafe<void>();

  const pass: Effect.Effect<void> = Effect.suspend(() => {
    if (state === "dead") return Deferred.await(buried);
    return state === "frozen" ? Effect.andThen(Deferred.await(thawed), pass) : Effect.void;
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
    state: () => state,
    thaw: Effect.suspend(() => {
      if (state === "frozen") state = "lives";
      left = Number.POSITIVE_INFINITY;
      const before = thawed;
      thawed = Deferred.makeUnsafe<void>();
      return Deferred.succeed(before, undefined);
    }),
    bury: Deferred.succeed(buried, undefined),
    // Half of the points lie before a call, half after it: what was asked happened, and nobody heard.
    through: (call) =>
      count.pipe(
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
  look: (expansion, id) => body.through(handler.look(expansion, id)),
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
