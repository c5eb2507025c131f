// The two sorts of simulated hosts, for tests that hold for both; the absence of real ones is said loudly.

import type * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import {
  realHostsMissing,
  startEmulatedHosts,
  startRealHosts,
  type HostFleet,
  type HostFleetError,
  type HostFleetOptions,
} from "../../src/hosts/index.ts";

export interface Peer {
  readonly name: HostFleet["peer"];
  readonly missing: boolean;
  readonly start: (
    options: HostFleetOptions,
  ) => Effect.Effect<HostFleet, HostFleetError, Scope.Scope>;
}

const realMissing = (): boolean => {
  const missing = realHostsMissing();
  if (missing === undefined) return false;
  if (process.env["CI"]) throw missing;
  console.warn(`SKIPPED: ${missing.message}: nothing is tried on a real sshd (${missing.remedy})`);
  return true;
};

export const peers: readonly Peer[] = [
  { name: "emulated", missing: false, start: startEmulatedHosts },
  { name: "real", missing: realMissing(), start: startRealHosts },
];
