// The lease in git as a run holds it: known to whoever publishes, and a fence to the store too.

import * as Effect from "effect/Effect";
import { type Batch, Store, StoreError, type StoreShape } from "@muster/core/store/store";
import type { GitError } from "./error.ts";
import type { Git } from "./git.ts";
import {
  type GitLeaseOptions,
  type GitLeaseShape,
  type HeldGitLease,
  makeGitLease,
} from "./lease.ts";

export interface WatchedLease {
  readonly lease: GitLeaseShape;
  /** The last claim, whether or not it has ended since; its release rides along with the status. */
  readonly held: () => HeldGitLease | null;
}

/** `leaseMillis`: how long a claim lasts without renewal; as usual when not given. */
export const makeWatchedLease = Effect.fnUntraced(function* (
  options: Omit<GitLeaseOptions, "timeToLive" | "margin"> & { readonly leaseMillis?: number },
): Effect.fn.Return<WatchedLease, GitError, Git | Store> {
  const store = yield* Store;
  const { leaseMillis } = options;
  const lease = yield* makeGitLease({
    ...options,
    ...(leaseMillis === undefined
      ? {}
      : { timeToLive: leaseMillis, margin: Math.floor(leaseMillis / 4) }),
  });
  let held: HeldGitLease | null = null;
  return {
    lease: {
      look: lease.look,
      claim: (sighting) =>
        Effect.map(lease.claim(sighting), (claimed) => {
          held = fencedBy(claimed, store);
          return held;
        }),
    },
    held: () => held,
  };
});

/** The fence is in git: a run that slept past its lease must not write to the store either. */
const fencedBy = (held: HeldGitLease, store: StoreShape): HeldGitLease =>
  Object.assign(Object.create(held) as HeldGitLease, {
    commit: (batch: Batch) =>
      held.check.pipe(
        Effect.mapError(
          ({ message }) => new StoreError({ reason: "Fenced", place: store.place, message }),
        ),
        Effect.andThen(store.commit(batch)),
      ),
  });
