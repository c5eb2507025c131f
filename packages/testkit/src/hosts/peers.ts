// The two sorts of simulated hosts, for tests that hold for both; the absence of real ones is said loudly, and fails on CI.

import type * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { startEmulatedHosts } from "./emulated.ts";
import type { HostFleet, HostFleetError, HostFleetOptions } from "./host-fleet.ts";
import { realHostsMissing, startRealHosts } from "./real.ts";

export type StartHosts = (
  options: HostFleetOptions,
) => Effect.Effect<HostFleet, HostFleetError, Scope.Scope>;

export interface HostPeer {
  readonly peer: HostFleet["peer"];
  /** For titles of tests. */
  readonly name: string;
  readonly missing: boolean;
  readonly start: StartHosts;
}

const isRealMissing = (): boolean => {
  const missing = realHostsMissing();
  if (missing === undefined) return false;
  if (process.env["CI"]) throw missing;
  process.stderr.write(
    `SKIPPED: ${missing.message}: nothing is tried on a real sshd (${missing.remedy})\n`,
  );
  return true;
};

export const peers: ReadonlyArray<HostPeer> = [
  { peer: "emulated", name: "emulated hosts", missing: false, start: startEmulatedHosts },
  { peer: "real", name: "real sshd", missing: isRealMissing(), start: startRealHosts },
];
