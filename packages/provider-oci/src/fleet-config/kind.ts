// The kind FleetConfig: fleets of OCI compute instances.

import type { Kind } from "@muster/core/words/kind";
import { checkRules, withRules } from "@muster/core/read/rules";
import { expandFleet } from "./expand.ts";
import { fleetRules } from "./rules.ts";
import { FleetSpec } from "./spec.ts";

export { instancesResource } from "./expand.ts";
export { FleetSpec } from "./spec.ts";

/** `kind: FleetConfig`; `apiVersion` may be left out, as fleetctl's files do. */
export const FleetConfig: Kind<FleetSpec> = {
  name: "FleetConfig",
  about: "A fleet of OCI compute instances, in groups of members that are alike.",
  apiVersionOptional: true,
  spec: withRules(FleetSpec, fleetRules),
  check: ({ spec }) => checkRules(fleetRules, spec),
  expand: expandFleet,
};
