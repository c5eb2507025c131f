// A disk in memory that forgets what was not synced: for crashes that lose more than the process.

import { makeMemoryDisk, makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import * as Effect from "effect/Effect";
import { silence } from "./crash.ts";

export interface JournalledMemory {
  /**
   * Starts the machine again: a store on what was synced, and only that. Stores that were opened
   * before belong to a machine that is gone; their calls never answer.
   */
  readonly reopen: Effect.Effect<StoreShape>;
}

/**
 * A disk whose writes are durable once `sync` is over, and visible to the running process before;
 * a sync makes durable all that was written until it is over, whoever wrote it. `sync` (default: one
 * yield to other fibers) is where a test stops the clock. Whole batches are lost, never halves: a
 * store that can tear a batch fails the conformance suite.
 */
export const journalledMemory = (
  options: { readonly sync?: Effect.Effect<void>; readonly id?: string } = {},
): JournalledMemory => {
  const { sync = Effect.yieldNow } = options;
  const durable = makeMemoryDisk(options.id);
  let running = 0;

  const reopen = Effect.sync(() => {
    running += 1;
    const machine = running;
    const cached = { image: durable.image };
    const store = makeMemoryStore({ disk: cached });
    const present = Effect.suspend(() => (machine === running ? Effect.void : silence));
    const answering = <A, E>(act: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      present.pipe(
        Effect.andThen(act),
        Effect.tap(() => present),
      );
    const durably = <A, E>(act: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      answering(
        act.pipe(
          Effect.tap(() => sync),
          Effect.tap(() => present),
          Effect.tap(() =>
            Effect.sync(() => {
              durable.image = cached.image;
            }),
          ),
        ),
      );
    return {
      id: store.id,
      place: store.place,
      load: (owner) => answering(store.load(owner)),
      record: (owner, key) => answering(store.record(owner, key)),
      owners: answering(store.owners),
      commit: (batch) => durably(store.commit(batch)),
      auditHead: answering(store.auditHead),
      auditEntries: (after, limit) => answering(store.auditEntries(after, limit)),
      lease: (owner) => answering(store.lease(owner)),
      claimLease: (claim) => durably(store.claimLease(claim)),
    } satisfies StoreShape;
  });
  return { reopen };
};
