// The store that is not there: reading answers nothing, writing is refused, and the disk stays as it is.

import { neverHeld } from "@muster/core/store/memory";
import { StoreError } from "@muster/core/store/store";
import type { StoreShape } from "@muster/core/store/store";
import { genesis } from "@muster/core/words/audit";
import * as Effect from "effect/Effect";

/** The id of a store that does not exist yet. */
export const absentId = "absent";

/** An empty store that keeps nothing. */
export const absentStore = (place: string): StoreShape => {
  const refuse = Effect.fail(
    new StoreError({
      reason: "Unavailable",
      place,
      message: "there is no store here to write to",
      remedy: "check the path; a run that applies makes the store",
    }),
  );
  return {
    id: absentId,
    place,
    load: () => Effect.succeed([]),
    record: () => Effect.succeed(null),
    owners: Effect.succeed([]),
    commit: () => refuse,
    auditHead: Effect.succeed({ chain: absentId, seq: 0, hash: genesis }),
    auditEntries: () => Effect.succeed([]),
    lease: () => Effect.succeed(neverHeld),
    claimLease: () => refuse,
  };
};
