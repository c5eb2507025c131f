// What happens during an operation on a fleet, in the order of happening.

import type { Event } from "@muster/core";
import type { FleetOperation, FleetOverride } from "@muster/sdk/fleet-contract";

export type FleetEvent =
  /**
   * With what it is about to launch and to remove, as far as it can be told, and where it sets the
   * numbers with the override that is in force from now on.
   */
  | {
      readonly type: "begun";
      readonly operation: FleetOperation;
      readonly launches: number;
      readonly terminations: number;
      readonly override?: FleetOverride | null;
    }
  /** A restart goes on from where it stands: how many in all, how many are replaced, how many are only gone. */
  | {
      readonly type: "restarting";
      readonly total: number;
      readonly behind: number;
      readonly owed: number;
    }
  | { readonly type: "verifying" }
  | { readonly type: "trouble"; readonly message: string }
  | { readonly type: "ended" }
  | Event;
