// The lease in git as a run holds it: known to whoever publishes, and a fence to the store too.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { LeaseError, type LeaseSighting } from "@muster/core/lease/lease";
import {
  type Batch,
  Store,
  StoreError,
  type StoreLease,
  type StoreShape,
} from "@muster/core/store/store";
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
  options: Omit<GitLeaseOptions, "timeToLive" | "margin"> & {
    readonly owner: string;
    readonly leaseMillis?: number;
  },
): Effect.fn.Return<WatchedLease, GitError, Git | Store> {
  const store = yield* Store;
  const { leaseMillis } = options;
  const lease = yield* makeGitLease({
    ...options,
    ...(leaseMillis === undefined
      ? {}
      : { timeToLive: leaseMillis, margin: Math.floor(leaseMillis / 4) }),
  });
  /** The owner's row in the store as it stood at a look: a claim is on both, or on neither. */
  const rows = new WeakMap<LeaseSighting, StoreLease>();
  const rowNow = Effect.mapError(store.lease(options.owner), unavailable);
  let held: HeldGitLease | null = null;
  return {
    lease: {
      look: Effect.gen(function* () {
        const row = yield* rowNow;
        const sighting = yield* lease.look;
        rows.set(sighting, row);
        return sighting;
      }),
      claim: (sighting) =>
        Effect.gen(function* () {
          const now = yield* rowNow;
          const seen = rows.get(sighting) ?? now;
          yield* checkRow(store, seen, now);
          const claimed = yield* lease.claim(sighting);
          held = fencedBy(claimed, store, yield* raiseRow(store, options, seen));
          return held;
        }),
    },
    held: () => held,
  };
});

/** Who works on this store, or has since the look, is told before the branch moves. */
const checkRow = Effect.fnUntraced(function* (
  store: StoreShape,
  seen: StoreLease,
  now: StoreLease,
): Effect.fn.Return<void, LeaseError> {
  if (now.holder !== null && now.expiresAt > (yield* Clock.currentTimeMillis)) {
    return yield* heldBy(now.holder, now.expiresAt);
  }
  if (now.version !== seen.version) return yield* beaten(store);
});

/**
 * The row keeps nobody out: each claim raises its version, so that a commit that was on its way when
 * another run began is refused where it arrives. Answers the version that is the fence from now on.
 */
const raiseRow = (
  store: StoreShape,
  { owner, holder }: { readonly owner: string; readonly holder: string },
  { version }: StoreLease,
): Effect.Effect<number, LeaseError> =>
  store.claimLease({ owner, expected: version, holder, expiresAt: released }).pipe(
    Effect.mapError(unavailable),
    Effect.flatMap((raised) =>
      raised === null ? Effect.fail(beaten(store)) : Effect.succeed(raised.version),
    ),
  );

/** What a released lease expires at: before every clock. */
const released = 0;

/** The fence is in git: a run that slept past its lease must not write to the store either. */
const fencedBy = (held: HeldGitLease, store: StoreShape, fence: number): HeldGitLease =>
  Object.assign(Object.create(held) as HeldGitLease, {
    commit: (batch: Batch) =>
      held.check.pipe(
        Effect.mapError(
          ({ message }) => new StoreError({ reason: "Fenced", place: store.place, message }),
        ),
        Effect.andThen(store.commit({ ...batch, fence })),
      ),
  });

const heldBy = (holder: string, heldUntil: number): LeaseError =>
  new LeaseError({
    reason: "Taken",
    message: `${holder} holds the lease of the store until ${new Date(heldUntil).toISOString()}`,
    remedy: "wait until it is done; after that time the lease can be taken over",
    heldUntil,
  });

const beaten = ({ place }: StoreShape): LeaseError =>
  new LeaseError({
    reason: "Taken",
    message: `another run began to write to ${place} since it was looked at`,
    remedy: "observe again; nothing was applied",
  });

const unavailable = ({ place, message, remedy }: StoreError): LeaseError =>
  new LeaseError({
    reason: "Unavailable",
    message: `${place}: ${message}`,
    ...(remedy === undefined ? {} : { remedy }),
  });
