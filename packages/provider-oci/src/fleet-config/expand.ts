// Decides what a fleet asks for: one set of instances per group.

import type { Document } from "@muster/core/words/document";
import type { JsonObject } from "@muster/core/words/json";
import type { Expansion, SetResource } from "@muster/core/words/set";
import type { FleetSpec, Group } from "./spec.ts";

export const instancesResource = "oci.instances";

/** Every member of a group is made from the same template; the count is not part of it. */
export const expandFleet = (document: Document<FleetSpec>): Expansion => {
  const { kind, name, previousName, spec } = document;
  const { suspend } = spec;
  const address = { kind, name };
  return {
    document: address,
    ...(previousName === undefined ? {} : { previousName }),
    resource: instancesResource,
    sets: spec.instances.map((group): SetResource => ({
      resource: instancesResource,
      document: address,
      name: group.name,
      count: group.count,
      template: templateOf(spec, group),
      ...(group.previousName === undefined ? {} : { previousName: group.previousName }),
    })),
    scope: { compartmentId: spec.compartmentId, auth: { ...spec.auth } },
    parallel: { create: spec.scaling.parallelLaunch, remove: spec.scaling.parallelTerminate },
    ...(suspend === undefined ? {} : { suspend: { ...suspend } }),
  };
};

const templateOf = (spec: FleetSpec, group: Group): JsonObject => {
  const subnetId = group.subnetId ?? spec.subnetId;
  const { shapeConfig, displayNamePrefix } = spec;
  return {
    imageId: spec.imageId,
    shape: spec.shape,
    ...(shapeConfig === undefined ? {} : { shapeConfig: { ...shapeConfig } }),
    ...(subnetId === undefined ? {} : { subnetId }),
    availabilityDomain: spec.availabilityDomain,
    ...(displayNamePrefix === undefined ? {} : { displayNamePrefix }),
    freeformTags: spec.freeformTags,
    definedTags: spec.definedTags,
  };
};
