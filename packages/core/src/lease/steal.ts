// Takes the lease in the store from its holder when a person says so: the next version, free at once.

import * as Effect from "effect/Effect";
import type { StoreError, StoreLease, StoreShape } from "../store/store.ts";
import { LeaseError } from "./lease.ts";

/** How often a renewal of the same claim may come between the look and the write. */
const mostRenewals = 3;

/** What a released lease expires at: before every clock. */
const released = 0;

export interface StealRequest {
  readonly store: StoreShape;
  readonly owner: string;
  /** Who steals; must differ from every holder, so that none takes this for a move of its own. */
  readonly holder: string;
}

/**
 * Compare-and-set on exactly the version that was seen; whoever held it finds another at its next
 * renewal or write, and has lost it. Renewals raise the version: one of the very claim that was seen
 * is stolen as well. Fails with `Taken` when somebody else claimed it meanwhile.
 */
export const stealStoreLease = (
  request: StealRequest,
  seen: StoreLease,
): Effect.Effect<StoreLease, StoreError | LeaseError> => {
  const { store, owner, holder } = request;
  const attempt = (
    expected: number,
    left: number,
  ): Effect.Effect<StoreLease, StoreError | LeaseError> =>
    Effect.gen(function* () {
      const stolen = yield* store.claimLease({ owner, expected, holder, expiresAt: released });
      if (stolen !== null) return stolen;
      const now = yield* store.lease(owner);
      // Each claim has a name of its own: the same name is the same claim.
      if (left > 0 && now.holder === seen.holder) return yield* attempt(now.version, left - 1);
      return yield* moved(now);
    });
  return attempt(seen.version, mostRenewals);
};

const moved = (now: StoreLease): LeaseError =>
  new LeaseError({
    reason: "Taken",
    message: `${now.holder ?? "another run"} claimed the lease since it was looked at`,
    remedy: "look again with: muster lease show; nothing was stolen",
  });
